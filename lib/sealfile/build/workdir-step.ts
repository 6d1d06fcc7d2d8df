import type {LayerEntry} from '../../oci/entry.js';
import {lookup, resolvePath} from '../../oci/tree/tree.js';
import type {StageState} from '../evaluate/metadata.js';
import {lookUpUser} from '../run/user.js';
import {layerOf} from './layer.js';
import {type ImageState, withLayer, withMetadata, withPlannedLayer} from './state.js';
import {fileReader, type StepPlace, type StepResult} from './steps.js';

/** WORKDIR: the config is `stage` already; the folder is made, owned by the USER, where it is missing. */
export async function workdirStep(
	place: StepPlace,
	before: ImageState,
	stage: StageState,
	text: string,
): Promise<StepResult> {
	const {session, id, compression, dry} = place;
	const tree = await before.tree();
	const path = resolvePath(tree, stage.config.WorkingDir ?? '/', {followLast: true});
	if (lookup(tree, path)?.header.type === 'directory')
		return {state: withMetadata(session, before, stage, text), outcome: 'metadata'};
	const {uid, gid} = await ownerOf(place, before, stage.config.User);
	const entries: LayerEntry[] = [];
	const parts = path.split('/');
	for (let depth = 1; depth <= parts.length; depth++) {
		const folder = parts.slice(0, depth).join('/');
		if (lookup(tree, folder)?.header.type === 'directory') continue;
		entries.push({
			header: {path: folder, type: 'directory', mode: 0o755, uid, gid, size: 0, mtime: session.options.timestamp ?? 0},
		});
	}
	const state = {...before, stage};
	if (dry) return {state: withPlannedLayer(session, state, text, entries), outcome: 'planned'};
	const layer = await layerOf(session, {id, entries, compression});
	return {state: withLayer(session, state, layer, text, entries), layer, outcome: layer.cached ? 'cached' : 'built'};
}

async function ownerOf(
	place: StepPlace,
	state: ImageState,
	user: string | undefined,
): Promise<{readonly uid: number; readonly gid: number}> {
	if (user === undefined || user === '') return {uid: 0, gid: 0};
	const read = fileReader(place.session, state);
	const text = async (path: string): Promise<string> => Buffer.from((await read(path)) ?? []).toString();
	return lookUpUser(user, {passwd: await text('etc/passwd'), group: await text('etc/group')});
}
