import {constants} from 'node:fs';
import {chmod, chown, copyFile, lstat, mkdir, open, rename, rm, symlink, unlink, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {besideOf, syncFolder} from '../../core/atomic-file.js';
import {SealError, systemCode} from '../../core/errors.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {type NodeChange, type NodeOptions, nodeChanges, type ReadyContent, titleOfChange} from './changes.js';
import {lookAtContents} from './contents.js';
import {trust} from './firewall.js';
import {digestOfFile, lookAtSysctl, sysctlPlace} from './observe.js';
import {type FileBefore, keptPlace, type NodeRecord, type RecordedFile, readRecord, writeRecord} from './record.js';
import {type NodeSystem, runOk} from './system.js';
import type {NodeWish} from './wish.js';

export interface ApplyOptions extends NodeOptions {
	/** Called with the title of each change once it is made. */
	readonly onDone?: ((title: string) => void) | undefined;
}

/**
 * Makes a host as it is wished. What was there before is kept and recorded, on the disk, before the first change; a run that
 * died at any moment is completed by the next. Files are written beside and renamed.
 * @param root the folder of what sealimage keeps on the host
 * @returns the titles of what was done; empty when there was nothing to do
 * @throws SealError ERR_NODE_CONFLICT, ERR_NODE_STEP, ERR_NODE_RECORD, ERR_NO_SPACE, ERR_PERMISSION, ERR_IO
 */
export async function applyWish(
	wish: NodeWish,
	root: string,
	system: NodeSystem,
	options: ApplyOptions = {},
): Promise<readonly string[]> {
	const {disk = '/', signal} = options;
	const changes = await nodeChanges(wish, system, options);
	await remember(wish, changes, root, disk, options);
	const done: string[] = [];
	for (const change of changes) {
		signal?.throwIfAborted();
		const title = titleOfChange(change);
		await make(change, title, system, disk, options);
		done.push(title);
		options.onDone?.(title);
	}
	// systemctl flushes nothing of what it writes: a power cut would forget what is enabled.
	if (changes.some(change => change.do === 'enable' || change.do === 'disable'))
		await runOk(system, ['sync'], 'flush the disk', options);
	return done;
}

/** Only what was never changed by us has a "before". */
async function remember(
	wish: NodeWish,
	changes: readonly NodeChange[],
	root: string,
	disk: string,
	options: NodeOptions,
): Promise<void> {
	const known = await readRecord(root);
	const files = new Map(Object.entries(known.files));
	const folders = new Set(known.folders);
	const [sysctls, units] = [new Map(Object.entries(known.sysctls)), new Map(Object.entries(known.units))];
	const [modules, swaps] = [new Set(known.modules), new Set(known.swaps)];
	const trusted = new Set(known.trusted);
	const contents = new Map(Object.entries(known.contents ?? {}));
	for (const folder of wish.folders ?? []) {
		if (contents.has(folder)) continue;
		contents.set(folder, await lookAtContents(disk, folder));
		// Who makes the folder makes those above it too.
		for (const parent of await missingFolders(disk, folder)) folders.add(parent);
	}
	for (const name of wish.remembered ?? []) {
		const seen = sysctls.has(name) ? undefined : await lookAtSysctl(disk, name);
		if (seen !== undefined) sysctls.set(name, seen);
	}
	for (const change of changes) {
		switch (change.do) {
			case 'write':
				for (const folder of await missingFolders(disk, change.path)) folders.add(folder);
				files.set(change.path, await recorded(files.get(change.path), change, root, disk, options));
				break;
			case 'set':
				if (change.seen !== undefined && !sysctls.has(change.name)) sysctls.set(change.name, change.seen);
				break;
			case 'load':
				modules.add(change.module);
				break;
			case 'swapoff':
				swaps.add(change.path);
				break;
			case 'trust':
				trusted.add(`${change.firewall} ${change.source}`);
				break;
			case 'reload':
				break;
			default:
				if (!units.has(change.unit)) units.set(change.unit, change.seen);
		}
	}
	const record: NodeRecord = {
		version: 1,
		files: Object.fromEntries(files),
		folders: [...folders],
		sysctls: Object.fromEntries(sysctls),
		modules: [...modules],
		units: Object.fromEntries(units),
		swaps: [...swaps],
		...(trusted.size === 0 ? {} : {trusted: [...trusted]}),
		...(contents.size === 0 ? {} : {contents: Object.fromEntries(contents)}),
	};
	if (!isDeepStrictEqual(record, known)) await writeRecord(root, record);
}

async function recorded(
	known: RecordedFile | undefined,
	{path, content, seen}: NodeChange & {do: 'write'},
	root: string,
	disk: string,
	options: NodeOptions,
): Promise<RecordedFile> {
	const written = [...new Set([...(known?.written ?? []), content.digest])];
	if (known !== undefined) return {before: known.before, written};
	if (seen.kind === 'file') await keep(join(disk, path), keptPlace(root, seen.digest), seen.digest, options);
	return {before: seen as FileBefore, written};
}

async function keep(from: string, to: string, digest: string, options: NodeOptions): Promise<void> {
	await withIo('keep', from, async () => {
		await mkdir(dirname(to), {recursive: true, mode: 0o700});
		const beside = besideOf(to);
		await copyFile(from, beside, constants.COPYFILE_FICLONE);
		if ((await digestOfFile(beside, options)) !== digest) {
			await unlink(beside);
			throw new SealError('ERR_NODE_CONFLICT', `${from} was changed while it was looked at`, {hint: 'Try again.'});
		}
		await chmod(beside, 0o600);
		await flush(beside);
		await rename(beside, to);
		await syncFolder(dirname(to));
	});
}

/** Outermost first. */
async function missingFolders(disk: string, path: string): Promise<readonly string[]> {
	const missing: string[] = [];
	for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
		if ((await ifExists(() => lstat(join(disk, folder)))) !== undefined) break;
		missing.unshift(folder);
	}
	return missing;
}

async function make(
	change: NodeChange,
	title: string,
	system: NodeSystem,
	disk: string,
	options: NodeOptions,
): Promise<void> {
	switch (change.do) {
		case 'write':
			await put(join(disk, change.path), change.content, disk);
			break;
		case 'set':
			await setSysctl(disk, change.name, change.value);
			break;
		case 'load':
			await runOk(system, ['modprobe', '--', change.module], title, options);
			break;
		case 'swapoff':
			await runOk(system, ['swapoff', change.path], title, options);
			break;
		case 'trust':
			await trust(change, system, options);
			break;
		case 'reload':
			await runOk(system, ['systemctl', 'daemon-reload'], title, options);
			break;
		default:
			await runOk(system, ['systemctl', change.do, '--', change.unit], title, options);
	}
}

/** Where a file is while it comes. The name is always the same: who writes the file anew, or takes it away, meets what a power cut left. */
export function comingPlace(place: string): string {
	return `${place}.sealimage-new`;
}

/**
 * Writes a file or a link beside its place and renames it: nobody sees half of it, and what runs keeps its program.
 * @param owner default root, or whoever runs this
 */
export async function put(
	place: string,
	content: ReadyContent,
	disk: string,
	owner?: {readonly uid: number; readonly gid: number},
): Promise<void> {
	const beside = comingPlace(place);
	await withIo('write', place, async () => {
		await mkdir(dirname(place), {recursive: true, mode: 0o755});
		await rm(beside, {force: true});
		try {
			if (content.kind === 'link') await symlink(content.target, beside);
			else {
				if (content.kind === 'text') await writeFile(beside, content.text, {mode: 0o600, flag: 'wx'});
				else await copyFile(join(disk, content.from), beside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
				// Not as the umask has it, and before the name that others know. A new owner takes bits of the mode away.
				if (owner !== undefined) await chown(beside, owner.uid, owner.gid);
				await chmod(beside, content.mode);
				await flush(beside);
			}
			await rename(beside, place);
		} catch (error) {
			await unlink(beside).catch(() => undefined);
			throw error;
		}
		await syncFolder(dirname(place));
	});
}

async function flush(path: string): Promise<void> {
	const file = await open(path, 'r');
	try {
		await file.datasync();
	} finally {
		await file.close();
	}
}

export async function setSysctl(disk: string, name: string, value: string): Promise<void> {
	const place = sysctlPlace(disk, name);
	try {
		// Not created where it is missing: a kernel without it is no place for a file.
		await writeFile(place, `${value}\n`, {flag: 'r+'});
	} catch (error) {
		if (systemCode(error) !== 'ENOENT') throw ioError(error, 'write', place);
		throw new SealError('ERR_NODE_STEP', `This kernel has no setting ${name}`, {
			hint: 'Load the module that brings it, or use another kernel.',
			cause: error,
		});
	}
}
