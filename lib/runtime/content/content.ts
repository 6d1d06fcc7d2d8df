import type {Bytes} from '../../core/bytes.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobParts, Part} from './part.js';

/**
 * The content that a host keeps, below one folder (`/var/lib/sealimage`). Bytes are there once: a layer's blob goes when the
 * layer is unpacked, and trees and the registry share their files with the layers through hard links.
 *
 *     blobs/sha256/<hex>          manifests, configs and layers that are not unpacked yet
 *     partial/<hex>/              parts of blobs that are on their way
 *     layers/sha256/<hex>/        an unpacked layer, by diffID: `index` (its names) and the contents of its files, by number
 *     trees/sha256/<hex>/         the file tree of an image, by the chain ID of its layers: layers applied, whiteouts obeyed
 *     registry/                   the embedded registries of all images as one, in the stock layout
 *     images/                     for each name: its manifest, its layers and its tree
 *     tmp/                        work under way, each folder with its owner; what a dead process left is swept
 *
 * Every method may be called by several processes at once, and any process may die at any moment: what is there is whole.
 * That holds for a power cut too, without a flush for every part: content is flushed before a layer, a tree or a name
 * appears, and what came before that is read and checked again by the first process after a boot.
 *
 * Nobody but root can enter blobs, layers and trees, so that setuid programs and open folders of images are harmless there. The
 * registry is open to its server: its files are 0644 and root's, whatever the image says.
 * Names that share a file share its bytes, mode and owner: who writes into a file of a tree in place changes it for all. The
 * trees are there to be copied from; `unpack` of an image that is there, and `verify`, notice what was changed.
 */
export interface HostContent {
	/** What is here of these blobs, in their order. */
	have(blobs: readonly BlobQuery[], options?: Abortable): Promise<readonly BlobState[]>;
	/** How many bytes the disk takes before content is refused. */
	freeBytes(): Promise<number>;
	/**
	 * Stores one part; idempotent. The part is held in memory until its digest is known, a few parts at once. The last part of a
	 * blob makes it a blob.
	 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_NO_SPACE (what there was of the blob is given up), ERR_PERMISSION, ERR_READ_ONLY
	 */
	writePart(blob: BlobParts, part: Part, bytes: Bytes, options?: Abortable): Promise<void>;
	/** A part that is here, of a whole blob or of one that is on its way; undefined when it is not. The reader checks its digest. */
	readPart(part: Part, options?: Abortable): Promise<Bytes | undefined>;
	/**
	 * Makes the tree of an image whose blobs are here, or whose layers are unpacked. Layers that the host does not need are left out of
	 * `layers`. The digest of each blob is checked as it is unpacked; a blob or layer that turns out to be damaged is removed, so
	 * that the next run sends it anew.
	 * @throws SealError ERR_CONTENT_MISSING, ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_NO_SPACE, ERR_PERMISSION, ERR_READ_ONLY, ERR_COMPRESSION,
	 * ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH
	 */
	unpack(request: UnpackRequest, options?: OperationOptions): Promise<UnpackedImage>;
	/** The images that are unpacked, the last one last. */
	images(options?: Abortable): Promise<readonly HostImage[]>;
	/** Reads everything again and tells what is damaged; damaged blobs and layers are removed, so that the next run sends them anew. */
	verify(options?: OperationOptions): Promise<VerifyReport>;
	/**
	 * Removes what no image in `images/` needs. Blobs that no image knows are left alone until an hour after the last one came: they may
	 * be on their way. Parts of blobs stay for a day.
	 * With `keep`, images of other names are forgotten first.
	 */
	gc(options?: OperationOptions & {readonly keep?: readonly string[] | undefined}): Promise<GcReport>;
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

export interface HostImage {
	readonly name: string;
	readonly manifest: Digest;
	/** The folder of the tree. */
	readonly path: string;
	readonly layers: readonly {readonly blob: Digest; readonly diffId: Digest}[];
	readonly unpackedAtMs: number;
}

export interface VerifyReport {
	readonly checkedBytes: number;
	readonly damaged: readonly {readonly path: string; readonly why: string}[];
}

export interface GcReport {
	readonly removed: number;
	readonly freedBytes: number;
}
