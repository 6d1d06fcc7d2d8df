import type {Digest} from '../../oci/digest.js';

/** How much of a blob travels at once: small enough to pass it on early, large enough that asking for it costs nothing. */
export const partBytes = 16 * 1024 * 1024;

/** A stretch of a blob with its own digest: what hosts fetch, check and serve on. A blob of at most `partBytes` is one part. */
export interface Part {
	readonly blob: Digest;
	/** Counted from 0; the offset is `index * partBytes`. */
	readonly index: number;
	readonly sizeBytes: number;
	readonly digest: Digest;
}

/** A blob as the operator announces it. The digests of the parts come from the operator, over a connection that both trust. */
export interface BlobParts {
	readonly blob: Digest;
	readonly sizeBytes: number;
	readonly mediaType: string;
	/** Of layers: the digest of the plain tar, under which the unpacked layer is kept. */
	readonly diffId?: Digest | undefined;
	readonly parts: readonly Part[];
}
