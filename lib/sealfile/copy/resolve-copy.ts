import {SealError} from '../../core/errors.js';
import type {ImageTree} from '../../oci/tree.js';
import type {FileSource} from '../context/file-source.js';
import type {CopyOptions, CopyRequest, CopyResult} from './types.js';

/**
 * Decides what a COPY puts where: names, owners and modes, without reading the contents of any file.
 * @throws SealError ERR_COPY_SOURCE (missing), ERR_COPY_CONFLICT, ERR_COPY_OPTION, ERR_PATTERN, ERR_LAYER_ENTRY, ERR_PERMISSION
 */
export async function resolveCopy(
	request: CopyRequest,
	_source: FileSource,
	_destination: ImageTree,
	_options: CopyOptions = {},
): Promise<CopyResult> {
	throw new SealError('ERR_COPY_SOURCE', `Cannot copy to ${request.destination}`);
}
