import {collect} from '../core/bytes.js';
import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import {type ImageConfig, parseConfig} from './config.js';
import type {ContentReader} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';
import {
	childrenOf,
	type ImageIndex,
	type ImageManifest,
	isIndex,
	maxConfigBytes,
	maxManifestBytes,
	parseManifest,
} from './manifest.js';
import {isIndexType, isManifestType, mediaTypes} from './media-types.js';
import {formatPlatform, normalizePlatform, type Platform, selectPlatform} from './platform.js';

/** One image for one platform, read and checked. */
export interface Image {
	/** Of the manifest. */
	readonly descriptor: Descriptor;
	readonly manifest: ImageManifest;
	readonly config: ImageConfig;
}

/** Indexes in indexes are legal; deeper than this is an attack. */
const maxIndexDepth = 8;
/** An image with more manifests than this is an attack too: real ones have some dozens. */
const maxManifests = 4096;

/**
 * Reads the image for `platform`; without one, the only image there is, or the first of an index.
 * @throws SealError ERR_PLATFORM, ERR_MANIFEST_INVALID, ERR_CONTENT_MISSING
 */
export async function loadImage(
	source: ContentReader,
	descriptor: Descriptor,
	platform?: Platform,
	options: Abortable = {},
): Promise<Image> {
	const found = await resolvePlatform(source, descriptor, platform, options);
	const manifest = await readManifest(source, found, options);
	if (isIndex(manifest))
		throw new SealError('ERR_MANIFEST_INVALID', `${found.digest} is an index, expected a manifest`);
	return {descriptor: found, manifest, config: await readConfig(source, manifest, options)};
}

/**
 * The descriptor of the manifest for `platform`. An index is searched (nested ones too); a single image must be for that
 * platform. Without a platform an index gives its first image, a manifest itself.
 * @throws SealError ERR_PLATFORM with `details.platforms`, what there is
 */
export async function resolvePlatform(
	source: ContentReader,
	descriptor: Descriptor,
	platform?: Platform,
	options: Abortable = {},
): Promise<Descriptor> {
	if (!isIndexType(descriptor.mediaType)) {
		if (platform !== undefined) await checkSingle(source, descriptor, platform, options);
		return descriptor;
	}
	const candidates = await listManifests(source, descriptor, options);
	if (platform === undefined) {
		const first = candidates.find(candidate => isManifestType(candidate.mediaType) && !isAttestation(candidate));
		if (first !== undefined) return first;
		throw new SealError('ERR_PLATFORM', `The index ${descriptor.digest} holds no image`);
	}
	const found = selectPlatform(candidates, platform);
	if (found !== undefined) return found;
	throw noPlatform(
		descriptor,
		platform,
		candidates.filter(c => !isAttestation(c)).map(c => c.platform),
	);
}

/**
 * The manifests below an index in order, nested indexes flattened, platforms filled in from configs where the index is
 * silent. A manifest gives itself.
 */
export async function listManifests(
	source: ContentReader,
	descriptor: Descriptor,
	options: Abortable = {},
): Promise<readonly Descriptor[]> {
	const found = new Map<Digest, Descriptor>();
	const visit = async (current: Descriptor, depth: number): Promise<void> => {
		if (depth > maxIndexDepth || found.size > maxManifests) {
			throw new SealError('ERR_MANIFEST_INVALID', `The index ${descriptor.digest} is nested too deep or too large`);
		}
		if (isIndexType(current.mediaType)) {
			const index = (await readManifest(source, current, options)) as ImageIndex;
			for (const child of index.manifests) await visit(child, depth + 1);
		} else if (!found.has(current.digest)) {
			found.set(current.digest, await withPlatform(source, current, options));
		}
	};
	await visit(descriptor, 0);
	return [...found.values()];
}

/** @throws SealError ERR_MANIFEST_INVALID, ERR_CONTENT_SIZE above 4 MiB */
export async function readManifest(
	source: ContentReader,
	descriptor: Descriptor,
	options: Abortable = {},
): Promise<ImageManifest | ImageIndex> {
	const bytes = await readDocument(source, descriptor, maxManifestBytes, options);
	return parseManifest(bytes, descriptor.mediaType, descriptor.digest);
}

/** @throws SealError ERR_MANIFEST_INVALID */
export async function readConfig(
	source: ContentReader,
	manifest: ImageManifest,
	options: Abortable = {},
): Promise<ImageConfig> {
	const bytes = await readDocument(source, manifest.config, maxConfigBytes, options);
	return parseConfig(bytes, manifest.config.digest);
}

/** The whole verified bytes of small content. @throws SealError ERR_CONTENT_SIZE when it is larger than `limitBytes` */
export async function readDocument(
	source: ContentReader,
	descriptor: Descriptor,
	limitBytes: number,
	options: Abortable = {},
): Promise<Buffer> {
	if (descriptor.size > limitBytes) {
		throw new SealError(
			'ERR_CONTENT_SIZE',
			`${descriptor.digest} (${descriptor.mediaType}) has ${descriptor.size} bytes, at most ${limitBytes} are read`,
		);
	}
	return await collect(await source.fetch(descriptor, options), limitBytes, descriptor.digest);
}

/** What a listing shows of an image. */
export interface ImageFacts {
	/** The newest `created` of its configs. */
	readonly created?: string;
	/** Bytes of manifests, configs and layers, each blob once. Children that a sparse index lacks are not counted. */
	readonly sizeBytes: number;
	readonly platforms: readonly Platform[];
}

/** Reads manifests and configs only. @throws SealError as the readers above */
export async function imageFacts(
	source: ContentReader,
	descriptor: Descriptor,
	options: Abortable = {},
): Promise<ImageFacts> {
	const sizes = new Map<Digest, number>();
	const platforms = new Map<string, Platform>();
	let created: string | undefined;
	const visit = async (current: Descriptor, depth: number): Promise<void> => {
		if (sizes.has(current.digest) || depth > maxIndexDepth || sizes.size > 100_000) return;
		if (depth > 0 && !(await source.exists(current, options))) return;
		sizes.set(current.digest, current.size);
		if (!isIndexType(current.mediaType) && !isManifestType(current.mediaType)) return;
		const document = await readManifest(source, current, options);
		if (isIndex(document)) {
			for (const child of document.manifests) await visit(child, depth + 1);
			return;
		}
		for (const child of childrenOf(document)) sizes.set(child.digest, child.size);
		if (!isImageConfig(document)) return;
		const config = await readConfig(source, document, options);
		if (isAttestation({platform: config})) return;
		if (config.created !== undefined && (created === undefined || config.created > created)) created = config.created;
		platforms.set(formatPlatform(platformOf(config)), platformOf(config));
	};
	await visit(descriptor, 0);
	const sizeBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
	return {...(created === undefined ? {} : {created}), sizeBytes, platforms: [...platforms.values()]};
}

/** Bytes of all content of an image, each blob once. */
export async function imageSize(
	source: ContentReader,
	descriptor: Descriptor,
	options: Abortable = {},
): Promise<number> {
	return (await imageFacts(source, descriptor, options)).sizeBytes;
}

/** The platform fields of a config. */
export function platformOf(config: ImageConfig): Platform {
	const {os, architecture, variant} = config;
	const {'os.version': version, 'os.features': features} = config;
	return normalizePlatform({
		os,
		architecture,
		...(variant ? {variant} : {}),
		...(version ? {'os.version': version} : {}),
		...(features && features.length > 0 ? {'os.features': features} : {}),
	});
}

/** BuildKit's attestations stand in the index as manifests for the platform unknown/unknown. */
export function isAttestation(descriptor: Pick<Descriptor, 'platform' | 'annotations'>): boolean {
	return (
		descriptor.platform?.os === 'unknown' ||
		descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
	);
}

/** False for artifacts, whose config is something else than a way to run a program. */
export function isImageConfig(manifest: ImageManifest): boolean {
	return manifest.config.mediaType === mediaTypes.config || manifest.config.mediaType === mediaTypes.dockerConfig;
}

async function withPlatform(source: ContentReader, descriptor: Descriptor, options: Abortable): Promise<Descriptor> {
	if (descriptor.platform !== undefined || !isManifestType(descriptor.mediaType)) return descriptor;
	if (!(await source.exists(descriptor, options))) return descriptor;
	const manifest = (await readManifest(source, descriptor, options)) as ImageManifest;
	if (!isImageConfig(manifest)) return descriptor;
	return {...descriptor, platform: platformOf(await readConfig(source, manifest, options))};
}

async function checkSingle(
	source: ContentReader,
	descriptor: Descriptor,
	platform: Platform,
	options: Abortable,
): Promise<void> {
	const {platform: _, ...bare} = descriptor;
	const found = await withPlatform(source, bare, options);
	if (selectPlatform([found], platform) === undefined) throw noPlatform(descriptor, platform, [found.platform]);
}

function noPlatform(descriptor: Descriptor, wanted: Platform, found: readonly (Platform | undefined)[]): SealError {
	const platforms = [...new Set(found.filter(p => p !== undefined).map(formatPlatform))];
	const list = platforms.length === 0 ? 'names no platform' : `is for ${platforms.join(', ')}`;
	return new SealError('ERR_PLATFORM', `The image ${descriptor.digest} ${list}, wanted ${formatPlatform(wanted)}`, {
		hint: platforms.length === 0 ? undefined : `Choose one of them, for example --platform ${platforms[0]}.`,
		details: {wanted: formatPlatform(wanted), platforms},
	});
}
