import {SealError} from '../../core/errors.js';
import type {ImageTree} from '../../oci/tree.js';
import type {FileSource} from '../context/file-source.js';
import type {AddOptions, AddPlan, AddRequest} from './types.js';

/**
 * Decides what an ADD brings in: downloads URLs, clones repositories, finds local archives by their content.
 * @throws SealError ERR_DOWNLOAD, ERR_CHECKSUM, ERR_GIT, ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_COMPRESSION, and as `resolveCopy`
 */
export async function planAdd(
	request: AddRequest,
	_source: FileSource,
	_destination: ImageTree,
	_options: AddOptions,
): Promise<AddPlan> {
	throw new SealError('ERR_DOWNLOAD', `Cannot add to ${request.destination}`);
}
