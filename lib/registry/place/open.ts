import {resolve} from 'node:path';
import {hasCode, SealError} from '../../core/errors.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {ArchivedImage, ImageArchive} from '../../oci/archive/archive.js';
import {openLayoutDir} from '../../oci/archive/layout-dir.js';
import {openDockerArchive, openOciArchive} from '../../oci/archive/open.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {parseReference, repositoryOf, shortReference} from '../../oci/reference.js';
import type {Store} from '../../oci/store/store.js';
import type {Registry} from '../client/registry.js';
import type {Repository} from '../client/repository.js';
import {type DirRepository, openRegistryDir, type RegistryDir} from '../storage/stock/registry-dir.js';
import {type FilePlace, formatPlace, type Place, type RegistryPlace} from './parse.js';

export interface PlaceOptions extends OperationOptions {
	/** The local store, or a function that opens it when a place first needs it. Its owner closes it. */
	readonly store?: Store | (() => Promise<Store>) | undefined;
	/** The client for registries. Its owner closes it. */
	readonly registry?: Registry | undefined;
	/** Where relative paths begin; default: the working directory of the process. */
	readonly base?: string | undefined;
	/** Where compressed archives are unpacked to be read; default: in the store. */
	readonly tempDir?: string | undefined;
}

/** A place opened for reading. */
export interface OpenPlace {
	readonly place: Place;
	/** What it holds. Rare powers (tags, referrers, deletion) are found by the type guards of `oci/content.ts`. */
	readonly content: ImageSource;
	/** How `content` calls the image; empty when it is the only one. */
	readonly reference: string;
	/** All images of a store, folder or archive; registries do not tell. */
	readonly images?: (() => Promise<readonly ArchivedImage[]>) | undefined;
	/** What the place names. @throws SealError ERR_IMAGE_UNKNOWN, listing what there is */
	resolve(): Promise<Descriptor>;
	/** Lets go of files; the store and the registry client stay open. */
	close(): Promise<void>;
}

/**
 * Opens a place for reading. Nothing is asked of a registry yet.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO; TypeError when the options lack what the place needs
 */
export async function openPlace(place: Place, options: PlaceOptions = {}): Promise<OpenPlace> {
	const {signal} = options;
	switch (place.kind) {
		case 'store': {
			const content = await storeOf(options);
			const images = async (): Promise<readonly ArchivedImage[]> => await content.list({facts: false, signal});
			const resolve = async (): Promise<Descriptor> => {
				try {
					return await content.resolve(place.reference, {signal});
				} catch (error) {
					throw elsewhere(error, place.reference);
				}
			};
			return {...opened(place, content, place.reference, signal), images, resolve};
		}
		case 'docker': {
			const {repository, reference} = repositoryAt(place, options);
			return opened(place, repository, reference, signal);
		}
		default:
			return await openFile(place, options);
	}
}

/** The repository of a place in a registry, and the tag or digest there. */
export function repositoryAt(
	place: RegistryPlace,
	{registry}: PlaceOptions,
): {readonly repository: Repository; readonly reference: string; readonly tag: string | undefined} {
	if (registry === undefined) throw new TypeError(`${formatPlace(place)} needs a registry client: options.registry`);
	const parsed = parseReference(place.reference);
	const repository = registry.repository(repositoryOf(parsed));
	return {repository, reference: parsed.digest ?? parsed.tag ?? 'latest', tag: parsed.tag};
}

/** The store of the options, opened when it is not. */
export async function storeOf({store}: PlaceOptions): Promise<Store> {
	if (store === undefined) throw new TypeError('A place in the local store needs the store: options.store');
	return typeof store === 'function' ? await store() : store;
}

/** The absolute path of a place in a file or folder. */
export function pathOf(place: FilePlace, {base}: PlaceOptions): string {
	return base === undefined ? resolve(place.path) : resolve(base, place.path);
}

async function openFile(place: FilePlace, options: PlaceOptions): Promise<OpenPlace> {
	const {signal} = options;
	const path = pathOf(place, options);
	if (place.kind === 'registry-dir') return await openDir(place, path, options);
	const archive = await openArchiveAt(place, path, options);
	const reference = place.reference ?? '';
	const images = async (): Promise<readonly ArchivedImage[]> => await archive.images();
	return {
		place,
		content: archive,
		reference,
		images,
		async resolve() {
			try {
				return await archive.resolve(reference, {signal});
			} catch (error) {
				throw await listed(error, place, path, images);
			}
		},
		close: archive.close,
	};
}

async function openArchiveAt(place: FilePlace, path: string, options: PlaceOptions): Promise<ImageArchive> {
	const {signal, onEvent} = options;
	if (place.kind === 'oci') return await openLayoutDir(path, {signal, onEvent});
	const open = place.kind === 'oci-archive' ? openOciArchive : openDockerArchive;
	return await open(path, {tempDir: await tempDirOf(options), signal});
}

/** With a name the place is one repository of the folder, and can list and delete as that can. */
async function openDir(place: FilePlace, path: string, options: PlaceOptions): Promise<OpenPlace> {
	const {signal, onEvent} = options;
	const dir = await openRegistryDir(path, {signal, onEvent});
	const name = place.reference ?? '';
	const repository = await repositoryIn(dir, name, {signal});
	const content = repository === undefined ? dir : {...dir, ...repository};
	const {digest, tag = 'latest'} = name === '' ? {} : parseReference(name);
	const reference = repository === undefined ? name : (digest ?? tag);
	const images = (): Promise<readonly ArchivedImage[]> => dir.images();
	return {
		place,
		content,
		reference,
		images,
		async resolve() {
			try {
				return await content.resolve(reference, {signal});
			} catch (error) {
				throw await listed(error, place, path, images);
			}
		},
		close: dir.close,
	};
}

async function repositoryIn(dir: RegistryDir, name: string, options: Abortable): Promise<DirRepository | undefined> {
	if (name === '' || isDigest(name)) return undefined;
	try {
		return await dir.repository(repositoryName(name), options);
	} catch (error) {
		if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) return undefined;
		throw error;
	}
}

function repositoryName(name: string): string {
	return name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

async function tempDirOf(options: PlaceOptions): Promise<string> {
	return options.tempDir ?? (await storeOf(options)).tempDir;
}

function opened(place: Place, content: ImageSource, reference: string, signal: AbortSignal | undefined): OpenPlace {
	return {
		place,
		content,
		reference,
		resolve: () => content.resolve(reference, {signal}),
		close: async () => {},
	};
}

/** An image that the store lacks may be in its registry, which people forget to say. */
function elsewhere(error: unknown, reference: string): unknown {
	if (!(error instanceof SealError) || error.code !== 'ERR_IMAGE_UNKNOWN' || /^[0-9a-f:]*$/.test(reference))
		return error;
	const {message, hint = 'Check the name.', details, cause} = error;
	return new SealError('ERR_IMAGE_UNKNOWN', message, {
		hint: hint.replace(/\.$/, `, or write docker://${reference} for the image in its registry.`),
		details,
		cause,
	});
}

const maxListed = 20;

/** The refusal of a name with what the file holds instead. */
async function listed(
	error: unknown,
	place: FilePlace,
	path: string,
	images: () => Promise<readonly ArchivedImage[]>,
): Promise<unknown> {
	if (!(error instanceof SealError) || error.code !== 'ERR_IMAGE_UNKNOWN') return error;
	const held = await images();
	const names = held.map(({names: [first], descriptor}) =>
		first === undefined ? descriptor.digest : shortReference(first),
	);
	// People paste hints into a shell, and the names come from outside.
	const plain = names.find(name => /^[\w./:@-]+$/.test(name));
	const example = plain === undefined ? '' : `, for example ${formatPlace({...place, reference: plain})}`;
	const message =
		held.length === 0
			? `${path} holds no image`
			: place.reference === undefined
				? `${path} holds ${held.length} images, and none is chosen`
				: `${path} holds no image "${place.reference}"`;
	return new SealError('ERR_IMAGE_UNKNOWN', message, {
		hint: held.length === 0 ? 'Check the path.' : `Name one that is there${example}.`,
		details: {images: names.slice(0, maxListed)},
		cause: error.cause,
	});
}
