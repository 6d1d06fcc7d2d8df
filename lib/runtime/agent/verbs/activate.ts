import {lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {syncFolder, writeFileAtomic} from '../../../core/atomic-file.js';
import {SealError} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {idPattern, launcher} from '../install/layout.js';
import type {AgentVerb} from '../protocol.js';

export interface Activated {
	readonly id: string;
	/** The version that counted before; it is kept. */
	readonly previous: string | undefined;
	readonly removed: readonly string[];
}

/**
 * Makes a version the one that counts, and removes those that neither count, nor counted before, nor run. Run by the version itself: one that
 * does not start never counts.
 */
export const activate: AgentVerb<{readonly folder: string}, Activated> = {
	name: 'activate',
	parse(params) {
		const {folder} = (params ?? {}) as {folder?: unknown};
		if (
			typeof folder !== 'string' ||
			!folder.startsWith('/') ||
			basename(dirname(folder)) !== 'versions' ||
			!idPattern.test(basename(folder))
		)
			throw new SealError('ERR_USAGE', `${JSON.stringify(folder)} is not the folder of an installed version`);
		return {folder};
	},
	async run({folder}) {
		const [id, versions] = [basename(folder), dirname(folder)];
		const prefix = dirname(versions);
		return await withIo('switch the agent in', prefix, async () => {
			await writeLauncher(prefix);
			await syncFolder(versions);
			const before = await ifExists(() => readlink(join(prefix, 'current')));
			const previous = before === undefined || basename(before) === id ? undefined : basename(before);
			await switchTo(prefix, id);
			return {id, previous, removed: await removeOld(versions, new Set([id, previous ?? id]))};
		});
	},
};

async function writeLauncher(prefix: string): Promise<void> {
	await mkdir(join(prefix, 'bin'), {recursive: true, mode: 0o755});
	await writeFileAtomic(join(prefix, 'bin/sealimage-agent'), launcher, {mode: 0o755});
}

async function switchTo(prefix: string, id: string): Promise<void> {
	const beside = join(prefix, `.current-${process.pid}`);
	await rm(beside, {force: true});
	await symlink(`versions/${id}`, beside);
	await rename(beside, join(prefix, 'current'));
	await syncFolder(prefix);
}

/** What is on its way for a day is not on its way any more. */
const abandonedMs = 24 * 60 * 60 * 1000;

async function removeOld(versions: string, keep: ReadonlySet<string>): Promise<readonly string[]> {
	const running = await runningVersions(versions);
	const removed: string[] = [];
	for (const name of await readdir(versions)) {
		const path = join(versions, name);
		if (name.startsWith('.')) {
			const age = Date.now() - ((await ifExists(() => lstat(path)))?.mtimeMs ?? Date.now());
			if (age > abandonedMs) await rm(path, {recursive: true, force: true});
		} else if (idPattern.test(name) && !keep.has(name) && !running.has(name)) {
			await rm(path, {recursive: true, force: true});
			removed.push(name);
		}
	}
	return removed;
}

/** Versions share their Node through hard links: a process is told by its script. */
async function runningVersions(versions: string): Promise<ReadonlySet<string>> {
	const running = new Set<string>();
	for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
		const [, script = ''] = (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).split('\0');
		if (script.startsWith(`${versions}/`)) running.add(basename(dirname(script)));
	}
	return running;
}
