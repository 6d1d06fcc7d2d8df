import {SealError} from '../core/errors.js';
import type {OperationOptions} from '../core/events.js';
import type {ContentReader, ImageSink, ImageSource} from '../oci/content.js';
import type {Descriptor} from '../oci/descriptor.js';
import type {EmbedImage} from '../oci/embedded.js';
import type {Platform} from '../oci/platform.js';
import type {FoundImage, FoundPlace} from './discover/types.js';
import type {EmbedLock} from './embed-lock.js';

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

export type ResolveMemo = Map<string, Promise<unknown>>;

export interface ResolvedImage {
	readonly name: string;
	readonly foundIn: readonly FoundPlace[];
	/** What the name stands for, then nested indexes, last the manifest of the platform. */
	readonly chain: readonly Descriptor[];
	readonly content: ContentReader;
	/** Name of the source. */
	readonly source: string;
}

/** What `planEmbed` wants to know. */
export function toEmbedImages(resolved: readonly ResolvedImage[]): readonly EmbedImage[] {
	return resolved.map(({name, chain, content}) => ({name, chain, content}));
}

/**
 * Finds each image for the platform in the first source that has it, and copies to the store what is missing there.
 * All failures are reported at once.
 * @throws SealError ERR_IMAGES_MISSING listing every image and why; ERR_LOCK_MISSING for images that the lock has not
 */
export async function resolveImages(
	_images: readonly FoundImage[],
	_options: ResolveImagesOptions,
): Promise<readonly ResolvedImage[]> {
	throw new SealError('ERR_INTERNAL', 'Images cannot be resolved yet');
}
