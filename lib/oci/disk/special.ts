import {spawn} from 'node:child_process';
import {SealError} from '../../core/errors.js';
import type {EntryHeader} from '../entry.js';

/**
 * Makes a FIFO or a device node with mknod(1): Node has no call for it. False when this process may not make devices.
 * @throws SealError ERR_IO when a FIFO cannot be made
 */
export async function makeSpecial(path: string | Buffer, header: EntryHeader): Promise<boolean> {
	const text = String(path);
	const kind = {fifo: 'p', character: 'c', block: 'b'}[header.type as 'fifo' | 'character' | 'block'];
	const numbers = kind === 'p' ? [] : [String(header.devmajor ?? 0), String(header.devminor ?? 0)];
	const code = await new Promise<number>(resolve => {
		const child = spawn('mknod', ['-m', '600', '--', text, kind, ...numbers], {stdio: 'ignore'});
		child.on('error', () => resolve(-1));
		child.on('close', status => resolve(status ?? -1));
	});
	if (code !== 0 && kind === 'p') throw new SealError('ERR_IO', `Cannot make the FIFO ${text} with mknod`);
	return code === 0;
}
