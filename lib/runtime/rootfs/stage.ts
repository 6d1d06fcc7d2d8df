import {constants} from 'node:fs';
import {
	chmod,
	copyFile,
	link,
	lstat,
	mkdir,
	readdir,
	readlink,
	rename,
	symlink,
	unlink,
	writeFile,
} from 'node:fs/promises';
import {dirname, join, relative} from 'node:path';
import {besideOf, syncFolder} from '../../core/atomic-file.js';
import {systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';
import {hexOf} from '../../oci/digest.js';
import {removeTree} from '../../oci/disk/remove.js';
import type {Environment} from '../application/environment.js';
import type {ConfigDocument} from '../cluster/config-document.js';
import {flushDisk} from '../content/flush.js';
import {digestOfValue} from '../plan/plan.js';
import {editTree} from './edit.js';
import {copiesFolder, type Place, stagedFolder} from './places.js';
import {layOver, type StageEntry, type StageTree} from './tree.js';

/** A working copy, as it is asked for. */
export interface StageRequest {
	readonly place: Place;
	/** Folders of the trees of images on this host; the later over the earlier. */
	readonly trees: readonly string[];
	readonly configs: readonly ConfigDocument[];
	readonly env: Environment;
}

export interface Staged {
	readonly path: string;
	/** False when the same copy was there already. */
	readonly changed: boolean;
	/** Templates that were rendered. */
	readonly rendered: number;
}

/**
 * Makes a working copy of images: their trees one over the other, with the changes of Configs and with templates rendered beside
 * themselves. A cut at any moment leaves the copy that was there, or the new one; the same request again does nothing. Only root
 * may enter: what is rendered may hold secrets.
 * @param root where sealimage keeps things on this host
 * @throws SealError as `editTree`; ERR_NO_SPACE, ERR_PERMISSION, ERR_READ_ONLY, ERR_IO
 */
export async function stage(request: StageRequest, root: string, options: Abortable = {}): Promise<Staged> {
	const {place, trees, configs, env} = request;
	const path = stagedFolder(root, place);
	// The name of a tree is its content.
	const name = `${relative(join(root, 'work'), path).replaceAll('/', '+')}@${hexOf(digestOfValue(request)).slice(0, 24)}`;
	const copy = join(copiesFolder(root), name);
	if (await isStaged(path, copy)) return {path, changed: false, rendered: 0};
	const tree: StageTree = new Map();
	for (const folder of trees) await layOver(tree, folder);
	const rendered = await editTree(tree, configs, env);
	await prepareFolders(root, path);
	if ((await ifExists(() => lstat(copy))) === undefined) await writeCopy(tree, copy, options);
	await switchTo(path, copy);
	await sweep(root, name);
	return {path, changed: true, rendered};
}

async function isStaged(path: string, copy: string): Promise<boolean> {
	const target = await readlink(path).catch(() => undefined);
	return (
		target !== undefined && join(dirname(path), target) === copy && (await ifExists(() => lstat(copy))) !== undefined
	);
}

async function prepareFolders(root: string, path: string): Promise<void> {
	await withIo('make', join(root, 'work'), async () => {
		await mkdir(join(root, 'work'), {recursive: true, mode: 0o700});
		await mkdir(dirname(path), {recursive: true, mode: 0o700});
		await mkdir(copiesFolder(root), {recursive: true, mode: 0o700});
	});
}

/** Whole and on the disk before it gets its name. */
async function writeCopy(tree: StageTree, copy: string, options: Abortable): Promise<void> {
	const beside = besideOf(copy);
	try {
		await withIo('write', beside, async () => {
			await mkdir(beside, {mode: 0o755});
			const entries = [...tree];
			for (const [path, entry] of entries)
				if (entry.kind === 'folder') await mkdir(join(beside, path), {recursive: true});
			const others = entries.filter(([, entry]) => entry.kind !== 'folder');
			await mapBounded(others, 16, ([path, entry]) => writeEntry(join(beside, path), entry), options);
			// Not before: some folders of images may not be written to.
			for (const [path, entry] of entries.reverse())
				if (entry.kind === 'folder') await chmod(join(beside, path), entry.mode);
			await flushDisk(beside);
			await rename(beside, copy);
		});
	} catch (error) {
		await removeTree(beside).catch(() => undefined);
		throw error;
	}
}

async function writeEntry(path: string, entry: StageEntry): Promise<void> {
	switch (entry.kind) {
		case 'folder':
			return;
		case 'link':
			await symlink(entry.target, path);
			return;
		case 'text':
			await writeFile(path, entry.text, {flag: 'wx', mode: 0o600});
			await chmod(path, entry.mode);
			return;
		case 'file':
			if (isNeverEdited(path, entry) && (await isLinked(entry.source, path))) return;
			await copyFile(entry.source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
	}
}

/**
 * Large programs and archives share their bytes with the content of the host: nobody writes into such a file in place. Everything that
 * a script might edit is a copy of its own, for a change would be one of the image's.
 */
function isNeverEdited(path: string, {mode, sizeBytes}: StageEntry & {kind: 'file'}): boolean {
	return sizeBytes >= 1024 * 1024 && ((mode & 0o111) !== 0 || /\.(?:tar|tgz|gz|bz2|xz|zst|zip)$/.test(path));
}

async function isLinked(source: string, path: string): Promise<boolean> {
	try {
		await link(source, path);
		return true;
	} catch (error) {
		if (['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP'].includes(systemCode(error) ?? '')) return false;
		throw error;
	}
}

async function switchTo(path: string, copy: string): Promise<void> {
	const beside = besideOf(path);
	await withIo('switch', path, async () => {
		await symlink(relative(dirname(path), copy), beside);
		try {
			if ((await ifExists(() => lstat(path)))?.isDirectory() === true) await removeTree(path);
			await rename(beside, path);
		} catch (error) {
			await unlink(beside).catch(() => undefined);
			throw error;
		}
		await syncFolder(dirname(path));
	});
}

/** Earlier copies of the same place, and what died while it came. */
async function sweep(root: string, name: string): Promise<void> {
	const folder = copiesFolder(root);
	const mine = name.slice(0, name.lastIndexOf('@') + 1);
	for (const other of await withIo('read', folder, () => readdir(folder)))
		if (other.startsWith(mine) && other !== name) await removeTree(join(folder, other));
}
