import type {Abortable} from '../../core/events.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import {planAdd} from '../add/plan-add.js';
import type {AddInput, AddPlan} from '../add/types.js';
import type {FileSource} from '../context/file-source.js';
import {treeSource} from '../context/tree-source.js';
import {resolveCopy} from '../copy/resolve-copy.js';
import type {CopiedEntry, CopyOptions, CopyRequest, CopyResult} from '../copy/types.js';
import type {Expanded} from '../evaluate/expand.js';
import {historyText} from '../evaluate/history-text.js';
import type {AddInstruction, CopyInstruction} from '../syntax.js';
import {openDownloads} from './downloads.js';
import {conditionsOf, knownStep, mayBeRemote} from './known-step.js';
import {cachedLayer, contentKeysOf, layerOf, writeKeyed} from './layer.js';
import {type ImageState, withLayer, withPlannedLayer} from './state.js';
import {fileReader, reportWarnings, type StepPlace, type StepResult} from './steps.js';

/** COPY: entries from the context, a stage or an image, as one layer. */
export async function copyStep(
	place: StepPlace,
	expanded: Expanded<CopyInstruction>,
	state: ImageState,
): Promise<StepResult> {
	const {instruction} = expanded;
	const source = instruction.from === undefined ? place.session.context : await stageSource(place, instruction.from);
	const request = {...requestOf(instruction, state), parents: instruction.parents};
	const conditions = instruction.from === undefined ? conditionsOf(place, 'copy', request, state) : undefined;
	const known = await knownStep(place, instruction, conditions, state);
	if (known !== undefined) return known;
	const tree = await state.tree();
	const result = await surely(
		source,
		() => resolveCopy(request, source, tree, optionsOf(place, state)),
		place.session.operation,
	);
	return addEntries(place, instruction, result, state, conditions);
}

/** ADD: as COPY, and archives, URLs and git repositories. */
export async function addStep(
	place: StepPlace,
	expanded: Expanded<AddInstruction>,
	state: ImageState,
): Promise<StepResult> {
	const {instruction} = expanded;
	const {session} = place;
	const {checksum, unpack, keepGitDir} = instruction;
	const request = {...requestOf(instruction, state), checksum, unpack, keepGitDir};
	const conditions = request.sources.some(mayBeRemote) ? undefined : conditionsOf(place, 'add', request, state);
	const known = await knownStep(place, instruction, conditions, state);
	if (known !== undefined) return known;
	const options = {
		...optionsOf(place, state),
		...session.operation,
		scratchDir: session.scratchDir,
		downloadCache: openDownloads(session.cache),
		proxies: session.options.proxies,
		caFiles: session.options.caFiles,
		gitEnv: session.options.gitEnv,
		id: place.id,
	};
	const tree = await state.tree();
	const plan = await surely(session.context, () => planAdd(request, session.context, tree, options), session.operation);
	if (plan.inputs.every(input => input.kind === 'entry'))
		return addEntries(place, instruction, await plan.expand(session.operation), state, conditions);
	const text = historyText(instruction, state.stage.config) ?? instruction.text;
	const key = await keyOfAdd(place, request, plan, state);
	const cached = session.options.cache === false ? undefined : await session.cache.layer(key);
	if (conditions !== undefined) session.known.remember(conditions, {layerKey: key, warnings: []});
	if (cached !== undefined) return {state: withLayer(session, state, cached, text), layer: cached, outcome: 'cached'};
	const {entries, warnings} = await plan.expand(session.operation);
	reportWarnings(place, instruction, warnings);
	if (place.dry) return {state: withPlannedLayer(session, state, text, entries), outcome: 'planned'};
	const layer = await writeKeyed(session, {id: place.id, entries, compression: place.compression}, key);
	return {state: withLayer(session, state, layer, text), layer, outcome: 'built'};
}

async function addEntries(
	place: StepPlace,
	instruction: CopyInstruction | AddInstruction,
	result: CopyResult,
	state: ImageState,
	conditions: string | undefined,
): Promise<StepResult> {
	const text = historyText(instruction, state.stage.config) ?? instruction.text;
	const {session, id, compression} = place;
	const {entries, warnings} = result;
	reportWarnings(place, instruction, warnings);
	if (place.dry) {
		const layer = await cachedLayer(session, {id, entries, compression});
		if (layer === undefined) return {state: withPlannedLayer(session, state, text, entries), outcome: 'planned'};
		return {state: withLayer(session, state, layer, text, entries), layer, outcome: 'cached'};
	}
	const layer = await layerOf(session, {id, entries, compression});
	if (conditions !== undefined && layer.key !== undefined)
		session.known.remember(conditions, {layerKey: layer.key, warnings});
	const after = withLayer(session, state, layer, text, entries);
	return {state: after, layer, outcome: layer.cached ? 'cached' : 'built'};
}

/** See `FileSource.surely`. */
export function surely<T>(source: FileSource, look: () => Promise<T>, options: Abortable = {}): Promise<T> {
	return source.surely === undefined ? look() : source.surely(look, options);
}

async function stageSource(place: StepPlace, name: string): Promise<FileSource> {
	const state = await place.from(name);
	return treeSource(await state.tree(), `stage or image ${name}`);
}

function requestOf(instruction: CopyInstruction | AddInstruction, state: ImageState): CopyRequest {
	const {sources, heredocs, destination, chown, chmod, exclude, link} = instruction;
	const inlineFiles = heredocs.map(({name, body}) => ({name, bytes: Buffer.from(body)}));
	return {
		sources,
		inlineFiles,
		destination,
		chown,
		chmod,
		exclude,
		link,
		workingDir: state.stage.config.WorkingDir || '/',
	};
}

function optionsOf(place: StepPlace, state: ImageState): CopyOptions {
	const {options, operation} = place.session;
	return {
		signal: operation.signal,
		compat: options.compat,
		sourceDateEpoch: options.timestamp,
		readFile: fileReader(place.session, state),
	};
}

/** An ADD is known by what it brings in and where it goes, without opening its archives. */
async function keyOfAdd(place: StepPlace, request: object, plan: AddPlan, state: ImageState): Promise<string> {
	const {session, compression} = place;
	const keys = await contentKeysOf(
		session,
		plan.inputs.flatMap(input => entryOf(input) ?? []),
	);
	const inputs = plan.inputs.map(input => {
		const entry = entryOf(input);
		return entry === undefined ? input : [input.kind, entry.header, keys.get(entry)];
	});
	const {format, timestamp} = session.options;
	const below = plan.destinationFacts.wholeTree ? state.layers.map(layer => layer.diffID) : [];
	return hexOf(
		digestOf(JSON.stringify(['add', request, inputs, plan.destinationFacts, below, compression, format, timestamp])),
	);
}

function entryOf(input: AddInput): CopiedEntry | undefined {
	if (input.kind === 'entry') return input.entry;
	return input.kind === 'archive' ? input.file : undefined;
}
