import {SealError} from '../core/errors.js';
import type {OperationOptions} from '../core/events.js';
import type {ContentReader} from './content.js';
import type {ImageTree} from './tree.js';

export interface UnpackOptions extends OperationOptions {
	/** Give files the owners they have in the image. Default: when this process is root; otherwise one warning says so. */
	readonly owners?: boolean | undefined;
}

export interface UnpackReport {
	/** Names written, the root not counted. */
	readonly entries: number;
	/** Bytes of file content written. */
	readonly sizeBytes: number;
	/** Device nodes that this process may not make. */
	readonly skippedDevices: readonly string[];
}

/**
 * Writes the file system of an image to `targetDir`, which must not exist or be an empty folder: it appears there whole
 * or not at all. Modes, times, links and extended attributes are those of the image, whatever the umask is.
 * @throws SealError ERR_UNSAFE_PATH, ERR_USAGE when the target is in use, and what reading content throws
 */
export async function unpackTree(
	_tree: ImageTree,
	_store: ContentReader,
	targetDir: string,
	_options: UnpackOptions = {},
): Promise<UnpackReport> {
	throw new SealError('ERR_IO', `Cannot unpack to ${targetDir}`);
}
