import type {ContentReader} from './content.js';
import type {Descriptor} from './descriptor.js';

/** An image that goes into the embedded registry of a cluster image, seen for one platform. */
export interface EmbedImage {
	/** The full reference (see reference.ts); with a digest and no tag the image can be pulled by digest only. */
	readonly name: string;
	/**
	 * From what the reference names to the manifest of the platform: `[manifest]` for a plain image, `[index, manifest]`
	 * for a multi-platform one, longer when indexes are nested.
	 */
	readonly chain: readonly Descriptor[];
	/** Reads the documents of `chain`. */
	readonly content: ContentReader;
}

/** One layer of the embedded registry, before it is written. Equal `key`s make equal bytes. */
export interface EmbedLayer {
	/** For history and progress: the image, or what shares the blobs. */
	readonly title: string;
	readonly key: string;
	readonly blobs: readonly Pick<Descriptor, 'digest' | 'size'>[];
	/** Paths relative to the image root, and the digest that each link file holds. */
	readonly links: readonly {readonly path: string; readonly digest: string}[];
	/** Whole seconds since the epoch for every entry. */
	readonly mtime: number;
}

export interface EmbedWarning {
	readonly code: 'EmbedAliasCollision' | 'EmbedMediaType' | 'EmbedForeignLayer';
	readonly message: string;
	readonly hint?: string | undefined;
}

export interface EmbedPlan {
	/** In the order in which they go into the image. */
	readonly layers: readonly EmbedLayer[];
	readonly warnings: readonly EmbedWarning[];
	/** Bytes of blobs over all layers. */
	readonly sizeBytes: number;
}
