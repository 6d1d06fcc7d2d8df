import type {Bytes} from '../../core/bytes.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobParts, Part} from './part.js';

/**
 * The content that a host keeps, below one folder (`/var/lib/sealimage`). Bytes are there once: a layer's blob goes when the
 * layer is unpacked, and trees of images share their files with the layers through hard links.
 *
 *     blobs/sha256/<hex>          manifests, configs and layers that are not unpacked yet
 *     partial/<hex>/              parts of blobs that are on their way
 *     layers/sha256/<hex>/        an unpacked layer, by diffID, read-only
 *     trees/sha256/<hex>/         the file tree of an image, by manifest digest, read-only: layers applied, whiteouts obeyed
 *     registry/                   the embedded registries of all trees as one, in the stock layout
 *     images/                     names of images to their manifests
 *
 * Every method may be called by several processes at once, and any process may die at any moment: what is there is whole.
 */
export interface HostContent {
	/** What is here of these blobs. */
	have(blobs: readonly BlobQuery[], options?: Abortable): Promise<readonly BlobState[]>;
	/**
	 * Stores one part; idempotent. The last part of a blob makes it a blob.
	 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_NO_SPACE
	 */
	writePart(blob: BlobParts, part: Part, bytes: Bytes, options?: Abortable): Promise<void>;
	/** A part that is here, of a whole blob or of one that is on its way; undefined when it is not. */
	readPart(part: Part, options?: Abortable): Promise<Bytes | undefined>;
	/**
	 * Makes the tree of an image whose blobs are here, or whose layers are unpacked. Layers that the host does not need are left out of
	 * `layers`. The digest of each blob is checked as it is unpacked.
	 */
	unpack(request: UnpackRequest, options?: OperationOptions): Promise<UnpackedImage>;
	/** Reads everything again and tells what is damaged; damaged blobs and layers are removed, so that the next run sends them anew. */
	verify(options?: OperationOptions): Promise<VerifyReport>;
	/** Removes what no image in `images/` needs. */
	gc(options?: OperationOptions): Promise<GcReport>;
}

export interface BlobQuery {
	readonly blob: Digest;
	readonly diffId?: Digest | undefined;
	readonly partCount: number;
}

export interface BlobState {
	readonly blob: Digest;
	/** `unpacked`: the layer is here, its blob is gone, and cannot be served on. `partial`: `parts` tells which. */
	readonly state: 'whole' | 'unpacked' | 'partial' | 'absent';
	readonly parts?: readonly number[];
}

export interface UnpackRequest {
	/** The name that the image gets on the host. */
	readonly name: string;
	readonly manifest: Digest;
	readonly layers: readonly {
		readonly blob: Digest;
		readonly diffId: Digest;
		readonly mediaType: string;
		readonly sizeBytes: number;
	}[];
	/** Keep the blobs after unpacking: others may still ask for them. `gc` removes them later. */
	readonly keepBlobs?: boolean | undefined;
}

export interface UnpackedImage {
	/** The folder of the tree. */
	readonly path: string;
	/** Layers that were unpacked now; the others were here already. */
	readonly unpacked: number;
	readonly files: number;
	readonly bytes: number;
}

export interface VerifyReport {
	readonly checkedBytes: number;
	readonly damaged: readonly {readonly path: string; readonly why: string}[];
}

export interface GcReport {
	readonly removed: number;
	readonly freedBytes: number;
}
