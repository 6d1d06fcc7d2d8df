import {resolve} from 'node:path';
import type {OperationOptions} from '../../core/events.js';
import type {ArchivedImage} from '../../oci/archive/archive.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {parseReference, repositoryOf} from '../../oci/reference.js';
import type {Store} from '../../oci/store/store.js';
import type {Registry} from '../client/registry.js';
import type {Repository} from '../client/repository.js';
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
