import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import type {Secret} from '../../../../core/secret.js';

export interface HashOrder {
	readonly password: string;
	readonly cost: number;
}

/**
 * A bcrypt hash for an htpasswd file, made beside everything else.
 * @param cost the base 2 logarithm of the work; default 10, as `htpasswd` and docker-registry have it
 */
export async function hashPassword(password: Secret, cost = 10): Promise<string> {
	const worker = new Worker(new URL('./bcrypt-worker.js', import.meta.url));
	try {
		const order: HashOrder = {password: password.reveal(), cost};
		worker.postMessage(order);
		const [hash] = (await once(worker, 'message')) as [string];
		return hash;
	} finally {
		await worker.terminate();
	}
}
