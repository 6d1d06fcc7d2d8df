import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {TreeFiles} from '../../oci/tree-files.js';
import type {HelmCommand} from './helm.js';
import type {Discovery} from './types.js';

export interface DiscoverOptions extends OperationOptions {
	/** The image's ENV: data of `.tmpl` files, as at run time. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** The label `sealimage.io/image-fields` (see image-fields.ts). */
	readonly imageFields?: string | undefined;
	/** Renders charts; without it values and templates are read. */
	readonly helm?: HelmCommand | undefined;
}

/**
 * Every container image that the content of a cluster image refers to. Works on the final tree, or on a context.
 * What cannot be understood is a warning with its place.
 * @throws SealError ERR_IMAGE_LIST when lines of images/shim or images/skopeo/tar.txt are no references
 */
export async function discoverImages(_files: TreeFiles, _options: DiscoverOptions = {}): Promise<Discovery> {
	throw new SealError('ERR_INTERNAL', 'Images cannot be discovered yet');
}
