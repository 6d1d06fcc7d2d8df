import {emit} from '../../core/events.js';
import type {ImageSource} from '../../oci/content.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {LayerEntry} from '../../oci/entry.js';
import {readImageFacts} from '../../oci/image-type.js';
import {formatPlatform} from '../../oci/platform.js';
import {type TreeFiles, treeFiles} from '../../oci/tree/files.js';
import {addKeyedLayer} from '../build/keyed-layer.js';
import {layerOf} from '../build/layer.js';
import {type BuildSession, report} from '../build/session.js';
import {type ImageState, withLayer} from '../build/state.js';
import {discoverImages, discoveryVersion} from '../discover/discover.js';
import {readSealignore} from '../discover/sealignore.js';
import type {Discovery, DiscoveryWarning} from '../discover/types.js';
import {archiveSources} from './archives.js';
import type {RegistryEmbedder} from './embedder.js';
import {createLock, type EmbedLock, formatLock, lockPath, parseLock, unusedLocks} from './lock.js';
import {pulledBefore, rememberPulled} from './pulled.js';
import {type NamedSource, type ResolvedImage, resolveImages, toEmbedImages} from './resolve-images.js';

/** The final state of a platform with the images that it needs. */
export interface Needs {
	readonly state: ImageState;
	readonly discovery: Discovery;
}

const nothing: Discovery = {images: [], archives: [], excluded: [], charts: [], warnings: []};

/** Finds the container images that the final tree refers to. What was found in this very tree before is remembered. */
export async function findNeeds(session: BuildSession, state: ImageState): Promise<Needs> {
	if (session.options.saveImages === false) return {state, discovery: nothing};
	const {config} = state.stage;
	const {imageFields, warnings} = readImageFacts(config.Labels);
	for (const {code, message, hint} of warnings) warn(session, {code, message, hint, file: session.file});
	const env = Object.fromEntries((config.Env ?? []).map(entry => splitAt(entry)));
	const {helm} = session.options;
	const ignore = await readSealignore(session.options.context);
	const inputs = [
		discoveryVersion,
		state.layers.map(layer => layer.diffID),
		imageFields,
		env,
		helm !== undefined,
		ignore,
	];
	const key = hexOf(digestOf(JSON.stringify(inputs)));
	const known =
		session.options.cache === false
			? undefined
			: ((await session.cache.note('discovery', key)) as Discovery | undefined);
	const discovery =
		known ??
		(await discoverImages(treeFiles(await state.files(), session.store, session), {
			...session.operation,
			env,
			imageFields,
			helm,
			ignore,
		}));
	if (known === undefined) await session.cache.saveNote('discovery', key, discovery);
	for (const warning of discovery.warnings) warn(session, warning);
	for (const {name, foundIn} of discovery.images) {
		emit(session.operation, {
			type: 'image.found',
			reference: name,
			foundIn: foundIn.map(({path, line}) => (line === undefined ? path : `${path}:${line}`)),
		});
	}
	return {state, discovery};
}

/** Brings the images of all platforms into the store and writes them as layers of an embedded registry, with their lock. */
export async function embedNeeds<Lower extends ImageSource>(
	session: BuildSession,
	needs: readonly Needs[],
	embedder: RegistryEmbedder<Lower>,
): Promise<readonly Embedded[]> {
	if (needs.every(({discovery}) => discovery.images.length === 0)) return needs.map(({state}) => ({state, images: []}));
	const lock =
		session.options.lock === undefined ? undefined : parseLock(Buffer.from(session.options.lock), 'the lock file');
	const memo = new Map<string, Promise<unknown>>();
	const resolved: Array<{
		readonly state: ImageState;
		readonly lower: Lower;
		readonly images: readonly ResolvedImage[];
	}> = [];
	for (const {state, discovery} of needs) {
		const lower = await embedder.open(await registryFiles(session, state), session.operation);
		const images = await resolveImages(discovery.images, {
			...session.operation,
			platform: state.platform,
			sources: sourcesOf(session, lower, await archiveSources(session, await state.files(), discovery.archives)),
			store: session.store,
			lock,
			memo,
		});
		await rememberPulled(session, images);
		resolved.push({state, lower, images});
	}
	if (lock !== undefined) warnUnused(session, lock, needs);
	const written = createLock(resolved.map(({state, images}) => ({platform: state.platform, images})));
	const results: Embedded[] = [];
	for (const {state, lower, images} of resolved)
		results.push(await embedOne(session, state, lower, images, written, embedder));
	return results;
}

/**
 * The tree for who reads its embedded registry. Manifests and configs are checked against their digests there, so the layers
 * are not hashed first: for some link files that would be gigabytes in every rebuild.
 */
async function registryFiles(session: BuildSession, state: ImageState): Promise<TreeFiles> {
	const verified = new Set(state.layers.map(layer => layer.descriptor.digest));
	return treeFiles(await state.files(), session.store, {verified});
}

export interface Embedded {
	readonly state: ImageState;
	readonly images: readonly ResolvedImage[];
}

async function embedOne<Lower extends ImageSource>(
	session: BuildSession,
	before: ImageState,
	lower: Lower,
	images: readonly ResolvedImage[],
	lock: EmbedLock,
	embedder: RegistryEmbedder<Lower>,
): Promise<Embedded> {
	const mtime = session.options.timestamp ?? 0;
	const plan = await embedder.plan(toEmbedImages(images), lower, {...session.operation, mtime});
	for (const warning of plan.warnings) emit(session.operation, {type: 'warning', ...warning, hint: warning.hint ?? ''});
	const platform = formatPlatform(before.platform);
	let state = before;
	for (const layer of plan.layers) {
		state = await addKeyedLayer(session, state, {
			id: `${platform} embed ${layer.title}`,
			title: `Embed ${layer.title}`,
			key: hexOf(digestOf(JSON.stringify(['embed', layer.key, session.options.format]))),
			entries: () => embedder.entries(layer, session.store),
			compression: {algorithm: 'none'},
			component: 'registry',
			text: `EMBED ${layer.title}`,
		});
	}
	const entries = await lockEntries(state, lock, mtime);
	const record = await layerOf(session, {id: `${platform} lock`, entries, compression: {algorithm: 'none'}});
	return {state: withLayer(session, state, record, `EMBED ${lockPath}`, entries), images};
}

async function lockEntries(state: ImageState, lock: EmbedLock, mtime: number): Promise<readonly LayerEntry[]> {
	const bytes = formatLock(lock);
	const folder = (await state.files()).root.children?.get('images');
	const file: LayerEntry = {
		header: {path: lockPath, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime},
		content: {kind: 'bytes', bytes},
	};
	if (folder?.header.type === 'directory') return [file];
	return [{header: {path: 'images', type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime}}, file];
}

/** Where images are looked for: inside the image, in archives it brings, in the store, and where the caller says. */
function sourcesOf(
	session: BuildSession,
	lower: ImageSource,
	archives: readonly NamedSource[],
): readonly NamedSource[] {
	const {store, options} = session;
	const outside = options.pull === 'never' ? [] : (options.sources ?? []).map(source => ({name: 'registry', source}));
	const local: NamedSource = {name: 'store', source: store};
	const inside: NamedSource = {name: 'image', source: lower, inImage: true};
	const before: NamedSource = {name: 'registry', source: pulledBefore(session)};
	return options.pull === 'always'
		? [inside, ...archives, ...outside, local]
		: [inside, ...archives, local, before, ...outside];
}

function warnUnused(session: BuildSession, lock: EmbedLock, needs: readonly Needs[]): void {
	const names = needs.flatMap(({discovery}) => discovery.images.map(image => image.name));
	for (const {reference} of unusedLocks(lock, names)) {
		emit(session.operation, {
			type: 'warning',
			code: 'LockEntryUnused',
			message: `The lock names ${reference}, which nothing in the image refers to`,
		});
	}
}

/** A finding of discovery is about a file of the image, not about a line of the Sealfile. */
function warn(
	session: BuildSession,
	{code, message, hint, file, line = 1}: Omit<DiscoveryWarning, 'code'> & {readonly code: string},
): void {
	const range = {startLine: line, startColumn: 1, endLine: line, endColumn: 1};
	report(session, {severity: 'warning', code, message, hint, file, range, lineText: ''});
}

function splitAt(entry: string): [string, string] {
	const at = entry.indexOf('=');
	return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
