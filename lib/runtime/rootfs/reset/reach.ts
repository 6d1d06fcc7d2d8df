import {isSealError, SealError} from '../../../core/errors.js';

/** Opens a table of the kernel. What the loader of native parts says is no error of ours. @throws SealError */
export async function reach<T>(open: () => Promise<T>): Promise<T> {
	try {
		return await open();
	} catch (error) {
		if (isSealError(error)) throw error;
		throw new SealError('ERR_NODE_STEP', 'The kernel cannot be spoken to over netlink', {cause: error});
	}
}
