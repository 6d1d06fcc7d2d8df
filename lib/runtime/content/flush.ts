import {spawn} from 'node:child_process';
import {syncFolder} from '../../core/atomic-file.js';
import {SealError} from '../../core/errors.js';
import type {ContentFolder} from './folder.js';

/**
 * Waits until everything that was written to the file system of the content is on the disk: one call for a hundred thousand files,
 * where a flush of each would write the journal as many times.
 * @throws SealError ERR_IO when the disk reports an error
 */
export async function flush({root, durability}: ContentFolder): Promise<void> {
	if (durability !== 'none') await flushDisk(root);
}

/** The same for the file system that a folder is on. @throws SealError ERR_IO */
export async function flushDisk(path: string): Promise<void> {
	const {code, complaint} = await run(['-f', '--', path]);
	if (code === 0) return;
	if (/Input\/output error|No space left|Read-only/.test(complaint)) {
		throw new SealError('ERR_IO', `Cannot flush the disk of ${path}: ${complaint}`, {
			hint: "Check the disk's health and the kernel log.",
			details: {path},
		});
	}
	// A sync(1) without the option, as old and small ones are, flushes every disk.
	const all = await run([]);
	if (all.code !== 0) await syncFolder(path);
}

interface Ended {
	readonly code: number;
	readonly complaint: string;
}

async function run(args: readonly string[]): Promise<Ended> {
	return await new Promise(resolve => {
		const env = {LC_ALL: 'C', PATH: '/usr/bin:/bin:/usr/sbin:/sbin'};
		const child = spawn('sync', args, {stdio: ['ignore', 'ignore', 'pipe'], env});
		let complaint = '';
		child.stderr.on('data', (chunk: Buffer) => {
			complaint = (complaint + chunk.toString()).slice(0, 1000);
		});
		child.on('error', () => resolve({code: -1, complaint}));
		child.on('close', code => resolve({code: code ?? -1, complaint: complaint.trim()}));
	});
}
