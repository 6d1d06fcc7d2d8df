import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {describe} from '../../oci/descriptor.js';
import {isAttestation, listManifests, loadImage} from '../../oci/image.js';
import {formatManifest} from '../../oci/manifest.js';
import {isManifestType, mediaTypes} from '../../oci/media-types.js';
import {formatPlatform, normalizePlatform, type Platform} from '../../oci/platform.js';
import type {Store} from '../../oci/store/store.js';
import {type MergeConflict, type OnConflict, refuseConflicts} from './conflict.js';
import {type MergePart, mergePlatform} from './merge-platform.js';

export interface MergeOptions extends OperationOptions {
	/** Name of the result. Without it the result is stored but not named. */
	readonly as?: string | undefined;
	/** Default: the platforms that every image has. */
	readonly platforms?: readonly Platform[] | undefined;
	/** What to do where images differ in a file, label or variable: refuse (default), or take the first or last image. */
	readonly onConflict?: OnConflict | undefined;
	/** The `created` time of the result (default: the newest of its parts). */
	readonly created?: string | undefined;
	/** Whole seconds since the epoch for entries that merge writes (default 0). */
	readonly mtime?: number | undefined;
}

export interface MergedImage {
	readonly descriptor: Descriptor;
	readonly platforms: readonly Platform[];
	/** Conflicts that `onConflict` settled. */
	readonly conflicts: readonly MergeConflict[];
}

/**
 * Composes images into one that has the content of all: layers one upon the other (equal ones once), labels and
 * variables of all, ENTRYPOINT and CMD one after the other. Where the layers alone would not give the union of all files
 * (whiteouts, conflicts, lock files) one more layer is written. The result has the platforms that every image has, since
 * for others it would lack a part; what is left out is told by a warning. Same images, same digest.
 * @throws SealError ERR_MERGE_CONFLICT listing every conflict, ERR_PLATFORM, ERR_IMAGE_UNKNOWN
 */
export async function mergeImages(
	store: Store,
	references: readonly string[],
	options: MergeOptions = {},
): Promise<MergedImage> {
	if (references.length === 0) throw new TypeError('There is nothing to merge');
	const {onConflict = 'error', signal} = options;
	const roots: Array<{readonly image: string; readonly root: Descriptor; readonly platforms: readonly string[]}> = [];
	for (const image of references) {
		const root = await store.resolve(image, {signal});
		roots.push({image, root, platforms: await platformsOf(store, root, options)});
	}
	const conflicts = new Map<string, MergeConflict>();
	const manifests: Descriptor[] = [];
	for (const platform of choosePlatforms(roots, options)) {
		const parts: MergePart[] = [];
		for (const {image, root} of roots) parts.push({image, ...(await loadImage(store, root, platform, {signal}))});
		const report = (conflict: MergeConflict): unknown => conflicts.set(`${conflict.kind} ${conflict.name}`, conflict);
		const written = await mergePlatform(store, parts, {...options, onConflict, report, mtime: options.mtime ?? 0});
		if (written !== undefined) manifests.push({...written, platform});
	}
	if (onConflict === 'error') refuseConflicts([...conflicts.values()]);
	const descriptor = await finish(store, manifests, options);
	if (options.as !== undefined) await store.tag(options.as, descriptor, {signal});
	return {
		descriptor,
		platforms: manifests.map(manifest => manifest.platform as Platform),
		conflicts: [...conflicts.values()],
	};
}

async function platformsOf(store: Store, root: Descriptor, options: OperationOptions): Promise<readonly string[]> {
	const platforms: string[] = [];
	for (const manifest of await listManifests(store, root, options)) {
		if (manifest.platform === undefined || isAttestation(manifest) || !isManifestType(manifest.mediaType)) continue;
		// A sparse index names platforms whose content is elsewhere.
		if (await store.exists(manifest, options)) platforms.push(formatPlatform(normalizePlatform(manifest.platform)));
	}
	return platforms;
}

function choosePlatforms(
	roots: readonly {readonly image: string; readonly platforms: readonly string[]}[],
	options: MergeOptions,
): readonly Platform[] {
	if (options.platforms !== undefined) return options.platforms;
	const all = [...new Set(roots.flatMap(root => root.platforms))];
	const common = all.filter(platform => roots.every(root => root.platforms.includes(platform))).sort();
	const listing = roots
		.map(({image, platforms}) => `${image} is for ${platforms.join(', ') || 'no platform'}`)
		.join('; ');
	if (common.length === 0) {
		throw new SealError('ERR_PLATFORM', `The images have no platform in common: ${listing}`, {
			hint: 'Build the missing variants, or merge images of one platform.',
			details: {images: roots.map(({image, platforms}) => ({image, platforms}))},
		});
	}
	if (common.length < all.length) {
		emit(options, {
			type: 'warning',
			code: 'MergePlatforms',
			message: `The result is for ${common.join(', ')} only: ${listing}`,
			hint: 'Build the missing variants to keep the other platforms.',
		});
	}
	return common.map(platformFrom);
}

function platformFrom(text: string): Platform {
	const [os = '', architecture = '', variant] = text.split('/');
	return {os, architecture, ...(variant === undefined ? {} : {variant})};
}

/** A single platform is a manifest, several are an index. */
async function finish(store: Store, manifests: readonly Descriptor[], options: OperationOptions): Promise<Descriptor> {
	const [only] = manifests;
	if (only !== undefined && manifests.length === 1) {
		const {platform: _, ...manifest} = only;
		return manifest;
	}
	const bytes = formatManifest({schemaVersion: 2, mediaType: mediaTypes.index, manifests});
	const descriptor = describe(mediaTypes.index, bytes);
	await store.push(descriptor, oneChunk(bytes), {signal: options.signal});
	return descriptor;
}
