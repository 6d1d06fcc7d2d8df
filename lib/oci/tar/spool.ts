import type {OperationOptions} from '../../core/events.js';
import type {CompressionFormat} from '../compress/decompress.js';
import type {LayerEntry} from '../entry.js';

/**
 * Whether a file is a tar archive, plain or compressed, told by its content: the compression, or undefined. An empty
 * archive counts as none, as in other builders.
 */
export async function detectArchive(
	path: string,
	options: OperationOptions = {},
): Promise<CompressionFormat | undefined> {
	void path;
	void options;
	throw new Error('not built yet');
}

/**
 * The entries of a local archive in archive order, with contents as `file`: at their place in the archive itself when it is plain,
 * else in a spool file made in `scratchDir` (the caller removes that folder).
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_COMPRESSION
 */
export async function readArchive(
	path: string,
	scratchDir: string,
	options: OperationOptions & {readonly limitBytes?: number; readonly limitEntries?: number} = {},
): Promise<LayerEntry[]> {
	void path;
	void scratchDir;
	void options;
	throw new Error('not built yet');
}
