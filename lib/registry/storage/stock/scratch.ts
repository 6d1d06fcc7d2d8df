import {randomBytes} from 'node:crypto';
import {access} from 'node:fs/promises';
import {join} from 'node:path';
import {createTempDir, sweepTempDirs, type TempDir} from '../../../core/temp-dir.js';

/** Names for temporary files in a folder of this process, made when the first one is wanted. */
export interface Scratch {
	path(): Promise<string>;
	/** Removes the folder with what is in it. */
	close(): Promise<void>;
}

const checkMs = 60_000;

/** Sweeps what dead processes left in `parent`; makes nothing. */
export async function openScratch(parent: string): Promise<Scratch> {
	let folder: Promise<TempDir> | undefined;
	let checkedAt = 0;
	await sweepTempDirs(parent);
	const current = async (): Promise<TempDir> => {
		// Made again when another process has tidied up the empty parent in between.
		const running = folder ?? createTempDir(parent).catch(() => createTempDir(parent));
		folder = running;
		try {
			return await running;
		} catch (error) {
			if (folder === running) folder = undefined;
			throw error;
		}
	};
	return {
		async path() {
			let {path} = await current();
			const now = performance.now();
			if (now - checkedAt > checkMs) {
				checkedAt = now;
				try {
					await access(path);
				} catch {
					// Somebody cleaned up: a process in another container cannot see that we live.
					folder = undefined;
					({path} = await current());
				}
			}
			return join(path, randomBytes(8).toString('hex'));
		},
		async close() {
			const running = folder;
			folder = undefined;
			await (await running?.catch(() => undefined))?.remove();
		},
	};
}
