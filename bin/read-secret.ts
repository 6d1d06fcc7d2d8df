import {collect} from '../lib/core/bytes.js';
import type {Io} from './io.js';

/** A secret from stdin, without the newline that `echo` and editors put behind it. */
export async function readSecret(io: Io): Promise<string> {
	const text = (await collect(io.stdin, 64 * 1024, 'The password')).toString('utf8');
	return text.replace(/\r?\n$/, '');
}
