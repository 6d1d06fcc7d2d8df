import {join} from 'node:path';
import {oneChunk} from '../core/bytes.js';
import {SealError} from '../core/errors.js';
import type {OperationOptions} from '../core/events.js';
import {withLock} from '../core/lock.js';
import type {ImageSource} from './content.js';
import {copyContent} from './copy.js';
import {type Descriptor, describe} from './descriptor.js';
import {type Digest, isDigest} from './digest.js';
import {isImageConfig, platformOf, readConfig, readManifest} from './image.js';
import {formatManifest, type ImageIndex, isIndex} from './manifest.js';
import {mediaTypes} from './media-types.js';
import {formatPlatform, normalizePlatform, type Platform} from './platform.js';
import {privateFolder} from './store/layout.js';
import type {Store} from './store/store.js';

/** What an edit says about one image of an index, in place of what its config says. */
export interface PlatformEdit {
	readonly os?: string | undefined;
	readonly architecture?: string | undefined;
	readonly variant?: string | undefined;
	readonly osVersion?: string | undefined;
	readonly osFeatures?: readonly string[] | undefined;
	/** Added to the annotations of the entry. */
	readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface AddOptions extends OperationOptions, PlatformEdit {
	/** When the reference is an index: take all its images (default), or only the one for this platform. */
	readonly platform?: Platform | undefined;
}

/**
 * Makes an empty index under a name.
 * @throws SealError ERR_USAGE when the name is taken, unless `replace`
 */
export async function createIndex(
	store: Store,
	name: string,
	options: OperationOptions & {
		readonly replace?: boolean;
		readonly annotations?: Readonly<Record<string, string>>;
	} = {},
): Promise<Descriptor> {
	if (options.replace !== true && (await isTaken(store, name))) {
		throw new SealError('ERR_USAGE', `The name ${name} is taken`, {hint: 'Choose another name, or replace it.'});
	}
	const {annotations} = options;
	const empty: ImageIndex = {schemaVersion: 2, mediaType: mediaTypes.index, manifests: []};
	return await storeIndex(store, name, annotations === undefined ? empty : {...empty, annotations}, options);
}

/**
 * Adds an image to the index `name`, copying it from `source` when it is not the store itself. The platform is that of
 * its config; an index adds all its images. An image that is in the index already is replaced.
 * @throws SealError ERR_IMAGE_UNKNOWN, ERR_MANIFEST_INVALID when `name` is no index
 */
export async function addToIndex(
	store: Store,
	name: string,
	source: ImageSource,
	reference: string,
	options: AddOptions = {},
): Promise<Descriptor> {
	const {signal} = options;
	await openIndex(store, name, options);
	const found = await source.resolve(reference, {signal});
	const copied = await copyContent(source, found, store, options);
	const added = (await childrenOf(store, copied, options)).map(child => edited(child, options));
	const digests = new Set(added.map(child => child.digest));
	return await editIndex(store, name, options, index => ({
		...index,
		manifests: [...index.manifests.filter(child => !digests.has(child.digest)), ...added],
	}));
}

/** Changes what the index says about one of its images. @throws SealError ERR_IMAGE_UNKNOWN when it has none such */
export async function annotateIndex(
	store: Store,
	name: string,
	image: string,
	options: OperationOptions & PlatformEdit = {},
): Promise<Descriptor> {
	return await editIndex(store, name, options, async index => {
		const digest = await findChild(store, name, index, image);
		return {
			...index,
			manifests: index.manifests.map(child => (child.digest === digest ? edited(child, options) : child)),
		};
	});
}

/** Adds annotations to the index itself. */
export async function annotateWholeIndex(
	store: Store,
	name: string,
	annotations: Readonly<Record<string, string>>,
	options: OperationOptions = {},
): Promise<Descriptor> {
	return await editIndex(store, name, options, index => ({
		...index,
		annotations: {...index.annotations, ...annotations},
	}));
}

/** Takes one image out of the index; its content stays until it is collected. @throws SealError ERR_IMAGE_UNKNOWN */
export async function removeFromIndex(
	store: Store,
	name: string,
	image: string,
	options: OperationOptions = {},
): Promise<Descriptor> {
	return await editIndex(store, name, options, async index => {
		const digest = await findChild(store, name, index, image);
		return {...index, manifests: index.manifests.filter(child => child.digest !== digest)};
	});
}

async function isTaken(store: Store, name: string): Promise<boolean> {
	try {
		await store.resolve(name);
		return true;
	} catch (error) {
		if (error instanceof SealError && error.code === 'ERR_IMAGE_UNKNOWN') return false;
		throw error;
	}
}

async function openIndex(store: Store, name: string, {signal}: OperationOptions): Promise<ImageIndex> {
	const document = await readManifest(store, await store.resolve(name, {signal}), {signal});
	if (isIndex(document)) return document;
	throw new SealError('ERR_MANIFEST_INVALID', `${name} is a single image, expected an index`, {
		hint: 'Make an index with "sealimage manifest create".',
	});
}

/** Two edits at once must not lose one: the index is read, changed and stored under a lock of its own. */
async function editIndex(
	store: Store,
	name: string,
	options: OperationOptions,
	change: (index: ImageIndex) => ImageIndex | Promise<ImageIndex>,
): Promise<Descriptor> {
	const lock = join(store.root, privateFolder, 'index-edit');
	const work = async (): Promise<Descriptor> =>
		await storeIndex(store, name, await change(await openIndex(store, name, options)), options);
	return await withLock(lock, work, {what: `the store ${store.root}`, signal: options.signal});
}

async function storeIndex(
	store: Store,
	name: string,
	index: ImageIndex,
	{signal}: OperationOptions,
): Promise<Descriptor> {
	const bytes = formatManifest(index);
	const descriptor = describe(index.mediaType, bytes);
	await store.push(descriptor, oneChunk(bytes), {signal});
	await store.tag(name, descriptor, {signal});
	return descriptor;
}

/** The entries that a reference adds, each with the platform of its config when nothing says it yet. */
async function childrenOf(
	store: Store,
	descriptor: Descriptor,
	{signal}: OperationOptions,
): Promise<readonly Descriptor[]> {
	const document = await readManifest(store, descriptor, {signal});
	if (isIndex(document)) return document.manifests;
	const {mediaType, digest, size} = descriptor;
	if (!isImageConfig(document)) return [{mediaType, digest, size}];
	return [{mediaType, digest, size, platform: platformOf(await readConfig(store, document, {signal}))}];
}

function edited(child: Descriptor, edit: PlatformEdit): Descriptor {
	const {os, architecture, variant, osVersion, osFeatures, annotations} = edit;
	const changes = {
		...(os === undefined ? {} : {os}),
		...(architecture === undefined ? {} : {architecture}),
		...(variant === undefined ? {} : {variant}),
		...(osVersion === undefined ? {} : {'os.version': osVersion}),
		...(osFeatures === undefined ? {} : {'os.features': osFeatures}),
	};
	const changed = Object.keys(changes).length > 0;
	const platform = changed
		? {...(child.platform ?? {os: 'linux', architecture: 'unknown'}), ...changes}
		: child.platform;
	const notes = annotations === undefined ? child.annotations : {...child.annotations, ...annotations};
	const {platform: _, annotations: __, ...rest} = child;
	return {...rest, ...(notes === undefined ? {} : {annotations: notes}), ...(platform === undefined ? {} : {platform})};
}

/** By digest, by platform (`linux/arm64`), or by the name of an image in the store. */
async function findChild(store: Store, name: string, index: ImageIndex, image: string): Promise<Digest> {
	const digest = isDigest(image) ? image : await resolveChild(store, index, image);
	if (digest !== undefined && index.manifests.some(child => child.digest === digest)) return digest;
	const held = index.manifests.map(child =>
		child.platform === undefined ? child.digest : formatPlatform(child.platform),
	);
	throw new SealError('ERR_IMAGE_UNKNOWN', `${image} is not in the index ${name}`, {
		hint: held.length === 0 ? 'The index is empty.' : `Name one of its images: ${held.join(', ')}.`,
	});
}

async function resolveChild(store: Store, index: ImageIndex, image: string): Promise<Digest | undefined> {
	const byPlatform = index.manifests.find(
		({platform}) => platform !== undefined && formatPlatform(normalizePlatform(platform)) === image,
	);
	if (byPlatform !== undefined) return byPlatform.digest;
	const byPrefix = index.manifests.filter(({digest}) => image.length >= 6 && digest.slice(7).startsWith(image));
	if (byPrefix.length === 1) return byPrefix[0]?.digest;
	try {
		return (await store.resolve(image)).digest;
	} catch (error) {
		if (error instanceof SealError) return undefined;
		throw error;
	}
}
