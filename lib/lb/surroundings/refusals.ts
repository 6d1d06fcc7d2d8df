import {hasCode, SealError} from '../../core/errors.js';
import {KernelError} from '../netlink/request.js';

/** Runs what changes the kernel; says what was not allowed in one sentence. @throws SealError ERR_LB_DENIED */
export async function allowed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		const isDenied = error instanceof KernelError && (error.errno === 'EPERM' || error.errno === 'EACCES');
		// In a container /proc/sys is read-only.
		const codes = ['ERR_PERMISSION', 'ERR_READ_ONLY', 'ERR_IPVS_DENIED'] as const;
		if (!isDenied && !codes.some(code => hasCode(error, code))) throw error;
		throw new SealError('ERR_LB_DENIED', `Cannot ${what}: it is not allowed`, {
			hint: 'Run as root, or with CAP_NET_ADMIN and a /proc/sys that can be written.',
			cause: error,
		});
	}
}
