import {digestOf, hexOf} from '../../oci/digest.js';
import type {EntryHeader, LayerEntry} from '../../oci/entry.js';
import {readImageFacts} from '../../oci/image-type.js';
import {formatPlatform} from '../../oci/platform.js';
import {addKeyedLayer} from '../build/keyed-layer.js';
import type {AgentFiles} from '../build/options.js';
import {type BuildSession, report} from '../build/session.js';
import type {ImageState} from '../build/state.js';

const folder = 'opt/sealimage';

/** An image of type rootfs with the agent for its platform, in a layer of its own; every other image as it is. */
export async function withAgent(session: BuildSession, state: ImageState): Promise<ImageState> {
	const {agent, labels, format, timestamp} = session.options;
	if (agent === undefined) return state;
	if (readImageFacts({...state.stage.config.Labels, ...labels}).type !== 'rootfs') return state;
	const platform = formatPlatform(state.platform);
	const files = await agent(state.platform, session.operation);
	if (files === undefined) {
		warnMissing(session, platform);
		return state;
	}
	const {compression, automatic} = session;
	const parents = await missingParents(state);
	const settings = ['agent', files.id, parents, compression, automatic, format, timestamp];
	return await addKeyedLayer(session, state, {
		id: `${platform} agent`,
		title: `Add the agent ${files.id}`,
		key: hexOf(digestOf(JSON.stringify(settings))),
		entries: () => entriesOf(files, parents, timestamp ?? 0),
		compression,
		component: 'agent',
		text: `AGENT ${files.id}`,
	});
}

/** The folders above the files that no layer below has. */
async function missingParents(state: ImageState): Promise<readonly string[]> {
	const missing: string[] = [];
	let at: Awaited<ReturnType<ImageState['tree']>>['root'] | undefined = (await state.tree()).root;
	for (const path of ['opt', folder]) {
		at = at?.children?.get(path.split('/').pop() ?? '');
		if (at?.header.type !== 'directory') missing.push(path);
	}
	return missing;
}

function entriesOf({files}: AgentFiles, parents: readonly string[], mtime: number): readonly LayerEntry[] {
	const header = (path: string, type: 'file' | 'directory', mode: number, size: number): EntryHeader => ({
		path,
		type,
		mode,
		uid: 0,
		gid: 0,
		size,
		mtime,
	});
	return [
		...parents.map(path => ({header: header(path, 'directory', 0o755, 0)})),
		...files
			.toSorted((a, b) => (a.name < b.name ? -1 : 1))
			.map(({name, mode, sizeBytes, content}) => ({
				header: header(`${folder}/${name}`, 'file', mode, sizeBytes),
				content,
			})),
	];
}

function warnMissing(session: BuildSession, platform: string): void {
	report(session, {
		severity: 'warning',
		code: 'AgentMissing',
		message: `There is no agent for ${platform}: hosts of this platform cannot be managed with the image`,
		hint: 'Build with --no-agent to leave it out everywhere.',
		file: session.file,
		range: {startLine: 1, startColumn: 1, endLine: 1, endColumn: 1},
		lineText: '',
	});
}
