import {digestOf, hexOf} from '../../oci/digest.js';
import type {LayerEntry} from '../../oci/entry.js';
import {emptyTree} from '../../oci/tree/tree.js';
import {resolveCopy} from '../copy/resolve-copy.js';
import type {CopiedEntry} from '../copy/types.js';
import type {Expanded} from '../evaluate/expand.js';
import {runHistoryText} from '../evaluate/history-text.js';
import {argvOf} from '../evaluate/metadata.js';
import {runEnvironment} from '../evaluate/scope.js';
import {openRootfs} from '../run/rootfs.js';
import type {BindSource, Rootfs} from '../run/types.js';
import type {RunInstruction, RunMount} from '../syntax.js';
import type {LayerRecord} from './cache.js';
import {surely} from './copy-step.js';
import {contentKeysOf, writeKeyed} from './layer.js';
import type {BuildSession} from './session.js';
import {type ImageState, withLayer} from './state.js';
import type {StepPlace, StepResult} from './steps.js';

/** The root file system of a stage, for its RUN instructions: on disk from the first RUN that is not cached. */
export interface StageRootfs {
	readonly opened: () => Promise<Rootfs>;
	/** Tells an opened file system of a layer that another step added. */
	add(layer: LayerRecord): Promise<void>;
	close(): Promise<void>;
}

/** `current` gives the state that the next RUN starts from. */
export function createStageRootfs(session: BuildSession, current: () => ImageState): StageRootfs {
	let rootfs: Rootfs | undefined;
	return {
		async opened() {
			const {platform, tree} = current();
			rootfs ??= await openRootfs(await tree(), session.store, {
				...session.operation,
				scratchDir: session.scratchDir,
				cacheDir: `${session.store.cacheDir}/mounts`,
				platform,
				searchPath: session.options.searchPath,
			});
			return rootfs;
		},
		async add(layer) {
			if (rootfs === undefined) return;
			const index = await session.cache.index(layer.diffID);
			const entries = (index?.entries ?? []).map(
				({header, offset}): LayerEntry =>
					header.size === 0 ? {header} : {header, content: {kind: 'layer', layer: layer.descriptor, offset}},
			);
			await rootfs.apply(entries, session.operation);
		},
		async close() {
			await rootfs?.close();
		},
	};
}

/** RUN: a cached layer when everything it can see is unchanged, else what the command changes. */
export async function runStep(
	place: StepPlace,
	expanded: Expanded<RunInstruction>,
	state: ImageState,
	rootfs: StageRootfs,
): Promise<StepResult> {
	const {session} = place;
	const {instruction} = expanded;
	const {config, scope} = state.stage;
	const text = runHistoryText(argvOf(instruction.command, config), scope);
	const binds = new Map<RunMount, BindSource>();
	for (const mount of instruction.mounts) {
		if (mount.type === 'bind' || mount.from !== undefined) binds.set(mount, await bindSource(place, mount));
	}
	const key = await keyOfRun(place, instruction, state, binds);
	const cached = session.options.cache === false ? undefined : await session.cache.layer(key);
	if (cached !== undefined) return {state: withLayer(session, state, cached, text), layer: cached, outcome: 'cached'};
	if (place.dry) return {state, outcome: 'planned'};
	const {entries} = await (await rootfs.opened()).run({
		...session.operation,
		id: place.id,
		file: place.source.file,
		line: instruction.range.startLine,
		command: instruction.command,
		heredocs: instruction.heredocs,
		shell: config.Shell,
		env: [
			...Object.entries(session.options.proxies ?? {}).map(([name, value]) => `${name}=${value}`),
			...runEnvironment(scope),
		],
		cwd: config.WorkingDir || '/',
		user: config.User,
		mounts: instruction.mounts,
		bindSource: mount => binds.get(mount) ?? {kind: 'tree', tree: emptyTree},
		secret: session.options.secret,
		network: instruction.network,
		security: instruction.security,
	});
	const layer = await writeKeyed(
		session,
		{id: place.id, entries: clamped(session, entries), compression: place.compression},
		key,
	);
	return {state: withLayer(session, state, layer, text), layer, outcome: 'built'};
}

async function bindSource(place: StepPlace, mount: RunMount): Promise<BindSource> {
	if (mount.from !== undefined) return {kind: 'tree', tree: await (await place.from(mount.from)).tree()};
	const {session} = place;
	const request = {sources: ['.'], destination: '/'};
	const {signal} = session.operation;
	const look = () => resolveCopy(request, session.context, emptyTree, {signal});
	const {entries} = await surely(session.context, look, {signal});
	return {kind: 'entries', entries};
}

/** Everything the command can see but the network, secrets, the clock and cache mounts. */
async function keyOfRun(
	place: StepPlace,
	instruction: RunInstruction,
	state: ImageState,
	binds: ReadonlyMap<RunMount, BindSource>,
): Promise<string> {
	const {session, compression} = place;
	const {command, heredocs, mounts, network, security} = instruction;
	const {config, scope} = state.stage;
	const {format, timestamp} = session.options;
	const bound: unknown[] = [];
	for (const [mount, source] of binds) {
		if (source.kind === 'tree') bound.push((await place.from(mount.from as string)).layers.map(layer => layer.diffID));
		else bound.push(await keysBelow(session, [...source.entries], mount.source ?? ''));
	}
	const diffIDs = state.layers.map(layer => layer.diffID);
	const seen = [
		command,
		heredocs,
		mounts,
		network,
		security,
		config.Shell,
		config.WorkingDir,
		config.User,
		runEnvironment(scope),
	];
	return hexOf(digestOf(JSON.stringify(['run', diffIDs, state.platform, seen, bound, compression, format, timestamp])));
}

async function keysBelow(session: BuildSession, entries: readonly CopiedEntry[], folder: string): Promise<unknown> {
	const root = folder.replace(/^\/+|\/+$/g, '');
	const below = entries.filter(({header}) => root === '' || header.path === root || header.path.startsWith(`${root}/`));
	const keys = await contentKeysOf(session, below);
	return below.map(entry => [
		entry.header.path,
		entry.header.type,
		entry.header.mode,
		entry.header.linkname,
		keys.get(entry),
	]);
}

function clamped(session: BuildSession, entries: readonly LayerEntry[]): readonly LayerEntry[] {
	const {timestamp} = session.options;
	if (timestamp === undefined) return entries;
	return entries.map(entry =>
		entry.header.mtime <= timestamp ? entry : {...entry, header: {...entry.header, mtime: timestamp}},
	);
}
