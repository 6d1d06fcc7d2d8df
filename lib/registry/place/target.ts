import {SealError} from '../../core/errors.js';
import {openLayoutDir} from '../../oci/archive/layout-dir.js';
import {type ArchiveFormat, writeArchiveFile} from '../../oci/archive/write-file.js';
import {type ImageSink, type ImageSource, isPlacedContent} from '../../oci/content.js';
import {type CopyOptions, copyContent} from '../../oci/copy.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {listManifests, resolvePlatform} from '../../oci/image.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {formatPlatform} from '../../oci/platform.js';
import {normalizeReference} from '../../oci/reference.js';
import {openRegistryDir} from '../storage/stock/registry-dir.js';
import {onlyPlatform} from './only-platform.js';
import {type PlaceOptions, pathOf, repositoryAt, storeOf} from './options.js';
import type {FilePlace, Place} from './parse.js';

/** A place opened for writing. */
export interface OpenTarget {
	readonly place: Place;
	/** Stores what `root` reaches and gives it the name of the place. Resolves with what the name points to now. */
	write(source: ImageSource, root: Descriptor, options: TransferOptions): Promise<Descriptor>;
	close(): Promise<void>;
}

export type TransferOptions = Omit<CopyOptions, 'as'>;

/**
 * Opens a place for writing. Archives are written at once and as a whole; to everything else images are added.
 * @throws SealError ERR_PLACE_INVALID, ERR_LAYOUT_INVALID, ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO
 */
export async function openTarget(place: Place, options: PlaceOptions = {}): Promise<OpenTarget> {
	switch (place.kind) {
		case 'store':
			return intoSink(place, await storeOf(options), place.reference, async () => {});
		case 'docker': {
			const {repository, reference, tag} = repositoryAt(place, options);
			return intoSink(place, repository, tag ?? reference, async () => {});
		}
		case 'oci': {
			const {signal, onEvent} = options;
			const folder = await openLayoutDir(pathOf(place, options), {create: true, signal, onEvent});
			return intoSink(place, folder, place.reference, folder.close);
		}
		case 'oci-archive':
		case 'docker-archive':
			return intoArchive(place, place.kind, pathOf(place, options));
		case 'registry-dir': {
			const {signal, onEvent} = options;
			const folder = await openRegistryDir(pathOf(place, options), {create: true, signal, onEvent});
			return intoSink(place, folder, place.reference, folder.close);
		}
	}
}

function intoSink(place: Place, sink: ImageSink, name: string | undefined, close: () => Promise<void>): OpenTarget {
	return {
		place,
		close,
		async write(source, root, options) {
			const copied = await copyContent(source, root, sink, options);
			await sink.tag(name ?? copied.digest, copied, {signal: options.signal});
			return copied;
		},
	};
}

function intoArchive(place: FilePlace, format: ArchiveFormat, path: string): OpenTarget {
	return {
		place,
		close: async () => {},
		async write(source, root, options) {
			const {platform, keepIndex, signal, onEvent, concurrency = isPlacedContent(source) ? 4 : 1} = options;
			const isDocker = format === 'docker-archive';
			const chosen =
				isDocker || (platform !== undefined && keepIndex !== true) ? await oneImage(source, root, options) : root;
			const sure = isPlacedContent(source) ? trusting(source) : source;
			const from =
				platform === undefined || chosen !== root ? sure : await onlyPlatform(sure, root, platform, {signal});
			const names = namesFor(place.reference);
			await writeArchiveFile(path, format, from, [{descriptor: chosen, names}], {signal, onEvent, concurrency});
			return chosen;
		},
	};
}

/**
 * A registry refuses manifests whose blobs it lacks: asking for each before the first is written is a round trip for nothing.
 * Children of an index and layers with `urls` may be missing.
 */
function trusting(source: ImageSource): ImageSource {
	return {
		resolve: (reference, given) => source.resolve(reference, given),
		fetch: (descriptor, given) => source.fetch(descriptor, given),
		async exists(descriptor, given) {
			const isDocument = isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType);
			if (!isDocument && (descriptor.urls?.length ?? 0) === 0) return true;
			return await source.exists(descriptor, given);
		},
	};
}

/** A tag alone stays what it is, in archives as in folders; what reads as a whole name gets its defaults. */
function namesFor(reference: string | undefined): readonly string[] {
	if (reference === undefined || isDigest(reference)) return [];
	return [/[/:]/.test(reference) ? normalizeReference(reference) : reference];
}

/** The image for the platform, or without one the only image that there is. @throws SealError ERR_PLATFORM */
async function oneImage(
	source: ImageSource,
	root: Descriptor,
	{platform, signal}: TransferOptions,
): Promise<Descriptor> {
	if (platform !== undefined || !isIndexType(root.mediaType)) {
		return await resolvePlatform(source, root, platform, {signal});
	}
	const held = (await listManifests(source, root, {signal})).filter(({platform: found}) => found?.os !== 'unknown');
	if (held.length === 1 && held[0] !== undefined) return held[0];
	const platforms = held.flatMap(({platform: found}) => (found === undefined ? [] : [formatPlatform(found)]));
	throw new SealError(
		'ERR_PLATFORM',
		`A docker archive holds one platform, and the image is for ${platforms.join(', ')}`,
		{
			hint: `Choose one, for example --platform ${platforms[0] ?? 'linux/amd64'}, or write an OCI archive.`,
			details: {platforms},
		},
	);
}
