import {isSealError, SealError} from '../../core/errors.js';
import {parseJson} from '../../oci/config.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {formatPlatform, normalizePlatform, type Platform, parsePlatform} from '../../oci/platform.js';
import {normalizeReference} from '../../oci/reference.js';
import type {FoundPlace} from '../discover/types.js';
import type {ResolvedImage} from './resolve-images.js';

/** Where a cluster image keeps the list of what it embeds. */
export const lockPath = 'images/lock.json';

/** An index or manifest: its digest, with what is needed to fetch it. */
export interface LockedDocument {
	readonly mediaType: string;
	readonly digest: Digest;
	readonly size: number;
}

/** What a reference stood for when the image was built. */
export interface LockedImage extends LockedDocument {
	/** Normalised. */
	readonly reference: string;
	/** The manifest per platform, keyed by `os/architecture[/variant]`. */
	readonly platforms: Readonly<Record<string, LockedDocument>>;
	/** `path:line` or `path`, sorted. */
	readonly foundIn: readonly string[];
	/** Where it was taken from: `store`, `registry`, `docker-archive:images/x.tar`. Information only. */
	readonly source: string;
}

/**
 * images/lock.json: every embedded image with its digests. A reference has several entries only when its platforms came
 * from different images.
 */
export interface EmbedLock {
	readonly schemaVersion: 1;
	/** Sorted by reference and digest. */
	readonly images: readonly LockedImage[];
}

/** The lock of what was resolved for one or several platforms. */
export function createLock(
	resolved: readonly {readonly platform: Platform; readonly images: readonly ResolvedImage[]}[],
): EmbedLock {
	const entries = new Map<string, LockedImage & {readonly platforms: Record<string, LockedDocument>}>();
	for (const {platform, images} of resolved) {
		for (const {name, chain, foundIn, source} of images) {
			const [root, manifest] = [chain[0] as Descriptor, chain.at(-1) as Descriptor];
			const key = `${name} ${root.digest}`;
			const before = entries.get(key) ?? {
				reference: name,
				...documentOf(root),
				platforms: {},
				foundIn: [],
				source,
			};
			before.platforms[formatPlatform(normalizePlatform(platform))] = documentOf(manifest);
			entries.set(key, {...before, foundIn: [...new Set([...before.foundIn, ...foundIn.map(formatPlace)])].sort()});
		}
	}
	return {schemaVersion: 1, images: inOrder([...entries.values()])};
}

/** Several locks as one: the images of all, the first of equal entries. */
export function mergeLocks(locks: readonly EmbedLock[]): EmbedLock {
	const entries = new Map<string, LockedImage>();
	for (const image of locks.flatMap(lock => lock.images)) {
		const key = `${image.reference} ${image.digest}`;
		const before = entries.get(key);
		entries.set(
			key,
			before === undefined
				? image
				: {
						...before,
						platforms: {...image.platforms, ...before.platforms},
						foundIn: [...new Set([...before.foundIn, ...image.foundIn])].sort(),
					},
		);
	}
	return {schemaVersion: 1, images: inOrder([...entries.values()])};
}

/** Stable bytes: keys and images in a fixed order, a newline at the end. */
export function formatLock(lock: EmbedLock): Buffer {
	const images = inOrder(lock.images).map(image => ({
		reference: image.reference,
		...documentOf(image),
		platforms: Object.fromEntries(
			Object.entries(image.platforms)
				.sort(([a], [b]) => (a < b ? -1 : 1))
				.map(([platform, document]) => [platform, documentOf(document)]),
		),
		foundIn: image.foundIn,
		source: image.source,
	}));
	return Buffer.from(`${JSON.stringify({schemaVersion: 1, images}, undefined, 2)}\n`);
}

/**
 * Reads a lock that `formatLock` wrote, or that somebody edited.
 * @throws SealError ERR_LOCK_INVALID naming the field
 */
export function parseLock(bytes: Uint8Array, name: string): EmbedLock {
	const value = readJson(bytes, name);
	if (value.schemaVersion !== 1)
		throw invalid(name, `schemaVersion is ${JSON.stringify(value.schemaVersion)}, this version of sealimage reads 1`);
	if (!Array.isArray(value.images)) throw invalid(name, 'images is no list');
	const images = value.images.map((item: unknown, position) => parseImage(item, name, `images[${position}]`));
	const seen = new Set<string>();
	for (const image of images) {
		for (const platform of Object.keys(image.platforms)) {
			const key = `${image.reference} for ${platform}`;
			if (seen.has(key)) throw invalid(name, `it has ${key} twice`);
			seen.add(key);
		}
	}
	return {schemaVersion: 1, images: inOrder(images)};
}

/** The entry for an image and platform, or undefined. */
export function findLocked(lock: EmbedLock, reference: string, platform: Platform): LockedImage | undefined {
	const key = formatPlatform(normalizePlatform(platform));
	return lock.images.find(image => image.reference === reference && Object.hasOwn(image.platforms, key));
}

/** Images of the lock that nothing refers to any more. */
export function unusedLocks(lock: EmbedLock, names: Iterable<string>): readonly LockedImage[] {
	const used = new Set(names);
	return lock.images.filter(image => !used.has(image.reference));
}

function parseImage(item: unknown, name: string, where: string): LockedImage {
	const image = asObject(item, name, where);
	if (typeof image.reference !== 'string') throw invalid(name, `${where}.reference is no text`);
	const reference = tryNormalize(image.reference);
	if (reference === undefined)
		throw invalid(name, `${where}.reference ${JSON.stringify(image.reference)} is no image reference`);
	const platforms = Object.entries(asObject(image.platforms, name, `${where}.platforms`)).map(([key, document]) => {
		const platform = tryPlatform(key);
		if (platform === undefined)
			throw invalid(name, `${where}.platforms has ${JSON.stringify(key)}, which is no platform`);
		return [platform, parseDocument(document, name, `${where}.platforms[${JSON.stringify(key)}]`)] as const;
	});
	const foundIn: unknown = image.foundIn ?? [];
	if (!Array.isArray(foundIn) || !foundIn.every(place => typeof place === 'string'))
		throw invalid(name, `${where}.foundIn is no list of texts`);
	return {
		reference,
		...parseDocument(image, name, where),
		platforms: Object.fromEntries(platforms),
		foundIn: foundIn as readonly string[],
		source: typeof image.source === 'string' ? image.source : '',
	};
}

function parseDocument(item: unknown, name: string, where: string): LockedDocument {
	const {mediaType, digest, size} = asObject(item, name, where);
	if (typeof mediaType !== 'string' || mediaType === '') throw invalid(name, `${where}.mediaType is no text`);
	if (!isDigest(digest)) throw invalid(name, `${where}.digest is no digest`);
	if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
		throw invalid(name, `${where}.size is no size`);
	return {mediaType, digest, size};
}

function documentOf({mediaType, digest, size}: LockedDocument): LockedDocument {
	return {mediaType, digest, size};
}

function formatPlace({path, line}: FoundPlace): string {
	return line === undefined ? path : `${path}:${line}`;
}

function inOrder(images: readonly LockedImage[]): readonly LockedImage[] {
	const key = (image: LockedImage): string => `${image.reference} ${image.digest}`;
	return images.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function readJson(bytes: Uint8Array, name: string): Record<string, unknown> {
	try {
		return parseJson(bytes, name) as Record<string, unknown>;
	} catch (error) {
		if (isSealError(error))
			throw new SealError('ERR_LOCK_INVALID', `${error.message}, expected a lock file`, {cause: error});
		throw error;
	}
}

function asObject(value: unknown, name: string, where: string): Record<string, unknown> {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw invalid(name, `${where} is no object`);
}

function tryNormalize(reference: string): string | undefined {
	try {
		return normalizeReference(reference);
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}

function tryPlatform(text: string): string | undefined {
	try {
		return formatPlatform(parsePlatform(text));
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}

function invalid(name: string, why: string): SealError {
	return new SealError('ERR_LOCK_INVALID', `The lock file ${name} cannot be used: ${why}`, {
		hint: 'Take the images/lock.json of an image that was built without a lock.',
	});
}
