import {hasCode, isSealError, SealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {ContentReader, ImageSink, ImageSource} from '../../oci/content.js';
import {ContentError} from '../../oci/content-error.js';
import {copyContent} from '../../oci/copy.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {EmbedImage} from '../../oci/embedded.js';
import {readManifest, resolvePlatform} from '../../oci/image.js';
import {isIndex} from '../../oci/manifest.js';
import {isIndexType} from '../../oci/media-types.js';
import {formatPlatform, normalizePlatform, type Platform} from '../../oci/platform.js';
import {formatReference, parseReference, shortReference} from '../../oci/reference.js';
import type {FoundImage, FoundPlace} from '../discover/types.js';
import {type EmbedLock, findLocked, type LockedImage} from './lock.js';

/** One place to look for images. Sources are asked in order; ERR_IMAGE_UNKNOWN from `resolve` means "not here". */
export interface NamedSource {
	/** For messages and the lock: `store`, `registry`, `oci:./layout`. */
	readonly name: string;
	readonly source: ImageSource;
	/** The content is in lower layers of the image already (the embedded registry of a base): it is used in place. */
	readonly inImage?: boolean;
	/** Only these names are asked for here (an archive named in tar.txt). Default: any. */
	readonly serves?: (name: string) => boolean;
}

export interface ResolveImagesOptions extends OperationOptions {
	readonly platform: Platform;
	readonly sources: readonly NamedSource[];
	/** What is missing is copied here. */
	readonly store: ImageSink;
	/** Use these digests and nothing else. */
	readonly lock?: EmbedLock | undefined;
	/** Shared by the platforms of a build, so that a tag means the same on all of them. */
	readonly memo?: ResolveMemo | undefined;
	/** Images in flight (default 4). */
	readonly concurrency?: number | undefined;
}

/** What sources answered so far, by source and name. */
export type ResolveMemo = Map<string, Promise<unknown>>;

export interface ResolvedImage {
	readonly name: string;
	readonly foundIn: readonly FoundPlace[];
	/** What the name stands for, then nested indexes, last the manifest of the platform. */
	readonly chain: readonly Descriptor[];
	/** Reads the documents of `chain`. */
	readonly content: ContentReader;
	/** Name of the source. */
	readonly source: string;
}

/** What `planEmbed` wants to know. */
export function toEmbedImages(resolved: readonly ResolvedImage[]): readonly EmbedImage[] {
	return resolved.map(({name, chain, content}) => ({name, chain, content}));
}

/**
 * Finds each image for the platform in the first source that has it whole, and copies to the store what is missing
 * there: the documents as they are, and the content of this platform only. All failures are reported at once; what only
 * looked like an image is left out with a warning when nobody has it.
 * @throws SealError ERR_IMAGES_MISSING listing every image and why; ERR_LOCK_MISSING for images that the lock has not
 */
export async function resolveImages(
	images: readonly FoundImage[],
	options: ResolveImagesOptions,
): Promise<readonly ResolvedImage[]> {
	const {lock, platform} = options;
	// A guess that the lock does not confirm is not worth an error.
	const locked = (image: FoundImage): boolean =>
		lock === undefined || findLocked(lock, image.name, platform) !== undefined;
	const asked = images.filter(image => locked(image) || !isLikely(image));
	if (lock !== undefined) refuseUnlocked(asked, lock, platform);
	const results = await mapBounded(
		asked,
		options.concurrency ?? 4,
		image => findImage(image, lock && findLocked(lock, image.name, platform), options),
		options,
	);
	const missing = results.filter(result => 'reasons' in result);
	const wanted = missing.filter(({image}) => !isLikely(image));
	if (wanted.length > 0) throw imagesMissing(wanted, platform);
	for (const guess of missing) warnOfGuess(guess, options);
	return results.filter(result => 'chain' in result);
}

interface Missing {
	readonly image: FoundImage;
	readonly reasons: readonly string[];
}

function isLikely(image: FoundImage): boolean {
	return image.foundIn.length > 0 && image.foundIn.every(place => place.likely === true);
}

/** A flag or variable that only looked like an image must not stop a build. */
function warnOfGuess({image, reasons}: Missing, options: ResolveImagesOptions): void {
	const [place] = image.foundIn;
	emit(options, {
		type: 'warning',
		code: 'LikelyImageMissing',
		message: `${image.reference} looks like an image but was not found (${reasons.join('; ')}) and is not embedded`,
		hint: 'If it is one, list it in a file under images/shim; if not, exclude it in .sealignore.',
		...(place === undefined ? {} : {file: place.path}),
		...(place?.line === undefined ? {} : {line: place.line}),
	});
}

async function findImage(
	image: FoundImage,
	locked: LockedImage | undefined,
	options: ResolveImagesOptions,
): Promise<ResolvedImage | Missing> {
	const without = new Set<string>();
	const reasons: string[] = [];
	for (const named of options.sources) {
		if (named.serves?.(image.name) === false) continue;
		try {
			return await takeFrom(named, image, locked, options);
		} catch (error) {
			options.signal?.throwIfAborted();
			if (!isSealError(error) || error.code === 'ERR_ABORTED' || isOurs(error)) throw error;
			if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) without.add(named.name);
			else reasons.push(`${named.name}: ${error.message}`);
		}
	}
	if (without.size > 0) reasons.unshift(`not in ${[...without].join(', ')}`);
	if (locked !== undefined) reasons.unshift(`the lock wants ${locked.digest}`);
	return {image, reasons};
}

/** Our own store cannot write: no other source will help. */
function isOurs(error: SealError): boolean {
	return error.code === 'ERR_NO_SPACE' || (error instanceof ContentError && error.side === 'sink');
}

async function takeFrom(
	named: NamedSource,
	image: FoundImage,
	locked: LockedImage | undefined,
	options: ResolveImagesOptions,
): Promise<ResolvedImage> {
	const {store, platform, signal} = options;
	const root = await resolveOnce(named, locked === undefined ? image.name : pinned(locked), options);
	if (locked !== undefined && root.digest !== locked.digest)
		throw new SealError('ERR_CONTENT_DIGEST', `it has ${root.digest}, the lock wants ${locked.digest}`);
	refuseSchema1(root);
	const manifest = await resolvePlatform(named.source, root, platform, {signal});
	const wanted = locked?.platforms[formatPlatform(normalizePlatform(platform))]?.digest;
	if (wanted !== undefined && manifest.digest !== wanted)
		throw new SealError('ERR_CONTENT_DIGEST', `it has ${manifest.digest} for this platform, the lock wants ${wanted}`);
	const chain = await chainTo(named.source, root, manifest, options);
	if (named.inImage === true) await requireWhole(named.source, manifest, options);
	else await copyContent(named.source, root, store, {...options, platform, keepIndex: true, concurrency: 4});
	const content = named.inImage === true ? named.source : store;
	const {name, foundIn} = image;
	const sizeBytes = await sizeOf(content, manifest, options);
	emit(options, {
		type: 'image.embedded',
		reference: name,
		digest: root.digest,
		platform: formatPlatform(platform),
		sizeBytes,
	});
	return {name, foundIn, chain, content, source: named.name};
}

async function resolveOnce(named: NamedSource, name: string, options: ResolveImagesOptions): Promise<Descriptor> {
	const key = `${named.name}\n${name}`;
	// The embedded registry is another one on each platform.
	if (options.memo === undefined || named.inImage === true) return await named.source.resolve(name, options);
	const running = options.memo.get(key) ?? named.source.resolve(name, options);
	options.memo.set(key, running);
	return (await running) as Descriptor;
}

/** The documents from `root` down to `manifest`. */
async function chainTo(
	source: ContentReader,
	root: Descriptor,
	manifest: Descriptor,
	options: OperationOptions,
): Promise<readonly Descriptor[]> {
	const {mediaType, digest, size} = root;
	const own: Descriptor = {mediaType, digest, size};
	if (digest === manifest.digest) return [own];
	if (!isIndexType(mediaType) || !(await source.exists(root, options))) return [];
	const document = await readManifest(source, root, options);
	const children = isIndex(document) ? document.manifests : [];
	const direct = children.find(child => child.digest === manifest.digest);
	const nested = direct === undefined ? children.filter(child => isIndexType(child.mediaType)) : [direct];
	for (const child of nested) {
		const rest = await chainTo(source, child, manifest, options);
		if (rest.length > 0) return [own, ...rest];
	}
	return [];
}

async function requireWhole(source: ContentReader, manifest: Descriptor, options: OperationOptions): Promise<void> {
	const document = await readManifest(source, manifest, options);
	if (isIndex(document)) return;
	for (const blob of [document.config, ...document.layers]) {
		if (!(await source.exists(blob, options)))
			throw new SealError('ERR_CONTENT_MISSING', `it lacks ${blob.digest}`, {details: {digest: blob.digest}});
	}
}

async function sizeOf(content: ContentReader, manifest: Descriptor, options: OperationOptions): Promise<number> {
	const document = await readManifest(content, manifest, options);
	if (isIndex(document)) return 0;
	return [document.config, ...document.layers].reduce((sum, blob) => sum + blob.size, manifest.size);
}

/** `repository@digest`: what the lock lets us ask for. */
function pinned(locked: LockedImage): string {
	const {domain, path} = parseReference(locked.reference);
	return formatReference({domain, path, digest: locked.digest});
}

function refuseSchema1({mediaType}: Descriptor): void {
	if (!/^application\/vnd\.docker\.distribution\.manifest\.v1\+/.test(mediaType)) return;
	throw new SealError('ERR_MANIFEST_INVALID', 'it is in the schema 1 format, which registries no longer serve', {
		hint: 'Convert it, for example with "skopeo copy --format v2s2".',
	});
}

function refuseUnlocked(images: readonly FoundImage[], lock: EmbedLock, platform: Platform): void {
	const unlocked = images.filter(image => findLocked(lock, image.name, platform) === undefined);
	const [first] = unlocked;
	if (first === undefined) return;
	throw new SealError(
		'ERR_LOCK_MISSING',
		`The lock file does not have ${listed(unlocked.map(image => `${shortReference(image.name)}${placeOf(image)}`))} for ${formatPlatform(platform)}`,
		{
			hint: 'Build once without --lock and take the new images/lock.json.',
			details: {images: unlocked.map(image => image.name), platform: formatPlatform(platform)},
		},
	);
}

function imagesMissing(missing: readonly Missing[], platform: Platform): SealError {
	const lines = missing.map(
		({image, reasons}) =>
			`${shortReference(image.name)}${placeOf(image)}: ${reasons.join('; ') || 'there is no source to ask'}`,
	);
	const count = missing.length === 1 ? 'An image' : `${missing.length} images`;
	return new SealError(
		'ERR_IMAGES_MISSING',
		`${count} cannot be embedded for ${formatPlatform(platform)}: ${listed(lines)}`,
		{
			hint: 'Build, pull or load them first, or exclude them in .sealignore.',
			details: {
				platform: formatPlatform(platform),
				images: missing.map(({image, reasons}) => ({reference: image.name, foundIn: image.foundIn, reasons})),
			},
		},
	);
}

function placeOf({foundIn}: FoundImage): string {
	const [first] = foundIn;
	if (first === undefined) return '';
	return ` (${first.path}${first.line === undefined ? '' : `:${first.line}`})`;
}

function listed(lines: readonly string[]): string {
	const [only] = lines;
	return lines.length === 1 ? (only as string) : lines.map(line => `\n  ${line}`).join('');
}
