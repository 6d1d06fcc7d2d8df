import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {createTempDir, isAbandoned, ownerFile, type TempDir} from '../../core/temp-dir.js';

/**
 * The folder where one writer's unfinished blobs live. While its owner lives it is a lease too: the collector keeps every
 * blob that was stored or met (its time is renewed) since the session began.
 */
export interface Session {
	/** Makes the folder on first use. */
	folder(): Promise<string>;
	/** The time in ms since when content is protected. */
	startMs(): Promise<number>;
	close(): Promise<void>;
}

const prefix = 'session';

export function createSession(tempDir: string): Session {
	let opened: Promise<{readonly folder: TempDir; readonly startMs: number}> | undefined;
	const begin = async (): Promise<{folder: TempDir; startMs: number}> => {
		const folder = await createTempDir(tempDir, prefix);
		return {folder, startMs: await leaseStart(folder.path)};
	};
	const open = async (): Promise<{folder: TempDir; startMs: number}> => {
		opened ??= begin();
		try {
			return await opened;
		} catch (error) {
			opened = undefined;
			throw error;
		}
	};
	return {
		folder: async () => (await open()).folder.path,
		startMs: async () => (await open()).startMs,
		async close() {
			const current = opened;
			opened = undefined;
			await (await current)?.folder.remove();
		},
	};
}

/** The start of the oldest session of a live process, or undefined when nobody writes. */
export async function oldestLease(tempDir: string): Promise<number | undefined> {
	const names = (await withIo('read', tempDir, () => ifExists(() => readdir(tempDir)))) ?? [];
	let oldest: number | undefined;
	for (const name of names.filter(candidate => candidate.startsWith(`${prefix}-`))) {
		const path = join(tempDir, name);
		const start = await ifExists(async () => ((await isAbandoned(path)) ? undefined : await leaseStart(path)));
		if (start !== undefined) oldest = Math.min(oldest ?? start, start);
	}
	return oldest;
}

/** Measured on the file system's own clock, as the times of blobs are. */
async function leaseStart(folder: string): Promise<number> {
	return (await ifExists(() => stat(join(folder, ownerFile))))?.mtimeMs ?? (await stat(folder)).mtimeMs;
}
