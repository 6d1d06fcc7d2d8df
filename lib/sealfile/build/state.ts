import type {HistoryEntry} from '../../oci/config.js';
import {indexLayer} from '../../oci/layer/read.js';
import type {Platform} from '../../oci/platform.js';
import {applyEntries, applyLayer, emptyTree, type ImageTree} from '../../oci/tree/tree.js';
import type {CopiedEntry} from '../copy/types.js';
import type {StageState} from '../evaluate/metadata.js';
import type {LayerRecord} from './cache.js';
import type {BuildSession} from './session.js';

/** An image in the making, after some of its instructions. A value: each step gives a new one. */
export interface ImageState {
	readonly platform: Platform;
	/** Config and variables. */
	readonly stage: StageState;
	readonly layers: readonly LayerRecord[];
	readonly history: readonly HistoryEntry[];
	/** Newest time among what was added so far, whole seconds: the `created` of the next history entry. */
	readonly newest: number;
	/** The file system so far; read from layers on first use, then kept. */
	readonly tree: () => Promise<ImageTree>;
	/**
	 * The same tree, with the contents of files from the context where they lie in the context: image discovery reads a
	 * few small files without inflating the layer that the build just wrote from those bytes.
	 */
	readonly files: () => Promise<ImageTree>;
}

/** An image with nothing in it. */
export function emptyState(platform: Platform, stage: StageState): ImageState {
	const tree = async (): Promise<ImageTree> => emptyTree;
	return {platform, stage, layers: [], history: [], newest: 0, tree, files: tree};
}

/** `created` of everything made at `seconds`, in the form that Go tools write. */
export function timeText(session: BuildSession, seconds: number): string {
	const latest = 253_402_300_799; // the last second of the year 9999, the most that RFC 3339 can say
	const whole = Math.min(Math.max(session.options.timestamp ?? seconds, 0), latest);
	return new Date(whole * 1000).toISOString().replace('.000Z', 'Z');
}

/** The state after an instruction that adds no files; without a text it leaves no history entry (ONBUILD). */
export function withMetadata(
	session: BuildSession,
	state: ImageState,
	stage: StageState,
	text: string | undefined,
): ImageState {
	if (text === undefined) return {...state, stage};
	const entry = {created: timeText(session, state.newest), created_by: text, empty_layer: true};
	return {...state, stage, history: [...state.history, entry]};
}

/** The state with one more layer on top. `entries` are what it was made of, where their contents outlive the step. */
export function withLayer(
	session: BuildSession,
	state: ImageState,
	layer: LayerRecord,
	text: string,
	entries?: readonly CopiedEntry[],
): ImageState {
	const newest = Math.max(state.newest, layer.newest);
	return {
		...state,
		layers: [...state.layers, layer],
		history: [...state.history, {created: timeText(session, newest), created_by: text}],
		newest,
		tree: once(async () => addLayer(session, await state.tree(), layer)),
		files: once(async () => {
			const below = await state.files();
			return entries === undefined ? addLayer(session, below, layer) : applyEntries(below, entries);
		}),
	};
}

/** As `withLayer` for a layer that was not written: a dry run. */
export function withPlannedLayer(
	session: BuildSession,
	state: ImageState,
	text: string,
	entries: readonly CopiedEntry[],
): ImageState {
	const newest = entries.reduce((most, {header}) => Math.max(most, header.mtime), state.newest);
	return {
		...state,
		history: [...state.history, {created: timeText(session, newest), created_by: text}],
		newest,
		tree: once(async () => applyEntries(await state.tree(), entries)),
		files: once(async () => applyEntries(await state.files(), entries)),
	};
}

/** The tree of layers, each applied when it is first asked for. */
export function treeOf(session: BuildSession, layers: readonly LayerRecord[]): () => Promise<ImageTree> {
	return once(async () => {
		let tree = emptyTree;
		for (const layer of layers) tree = await addLayer(session, tree, layer);
		return tree;
	});
}

/** A tree with one more layer; the layer is listed once and its index kept in the cache. */
export async function addLayer(session: BuildSession, tree: ImageTree, layer: LayerRecord): Promise<ImageTree> {
	let index = await session.cache.index(layer.diffID);
	if (index === undefined) {
		index = await indexLayer(session.store, layer.descriptor, {...session.operation, diffID: layer.diffID});
		await session.cache.saveIndex(layer.diffID, index);
	}
	return applyLayer(tree, index, layer.descriptor);
}

/** Runs `make` at the first call and gives its result to all; a failure is not kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
	let result: Promise<T> | undefined;
	return () => {
		result ??= make().catch((error: unknown) => {
			result = undefined;
			throw error;
		});
		return result;
	};
}
