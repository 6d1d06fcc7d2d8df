import {chmodSync, closeSync, lutimesSync, mkdirSync, openSync, rmdirSync, type Stats, unlinkSync} from 'node:fs';
import {SealError, systemCode} from '../../core/errors.js';
import {diskPath, lstatIfExists, parentOf} from '../../oci/disk/path.js';

export interface MountTarget {
	/** Relative to the root, no symbolic link in it. */
	readonly path: string;
	readonly kind: 'folder' | 'file';
}

/** Names that exist in a root only because something has to be mounted there. */
export interface Mountpoints {
	/** Removes them, unless something was put into them, and sets back the times of the folders they were in. */
	clear(): void;
}

/**
 * Makes what is missing of the mount targets, so that the runtime makes nothing of its own.
 * @throws SealError ERR_RUN_MOUNT when a target is a file where a folder is needed, or the reverse
 */
export function makeMountpoints(root: string, targets: readonly MountTarget[]): Mountpoints {
	const made: MountTarget[] = [];
	const parents = new Map<string, {readonly before: Stats; after: Stats | undefined}>();
	const make = (path: string, kind: MountTarget['kind']): void => {
		const full = diskPath(root, path);
		const found = lstatIfExists(full);
		if (found !== undefined) {
			if (found.isDirectory() !== (kind === 'folder')) throw wrongKind(path, kind);
			return;
		}
		const parent = parentOf(path);
		make(parent, 'folder');
		const before = lstatIfExists(diskPath(root, parent));
		if (before !== undefined && !parents.has(parent)) parents.set(parent, {before, after: undefined});
		if (kind === 'folder') mkdirSync(full);
		else closeSync(openSync(full, 'wx'));
		// runc gives a tmpfs the mode of the folder below it, so the caller's umask must not be in there.
		chmodSync(full, kind === 'folder' ? 0o755 : 0o644);
		made.push({path, kind});
	};
	const clear = (): void => {
		for (const [path, times] of parents) times.after ??= lstatIfExists(diskPath(root, path));
		const late = [...parents].map(([path, times]) => ({path, times, now: lstatIfExists(diskPath(root, path))}));
		for (const {path, kind} of made.toReversed()) removeQuietly(diskPath(root, path), kind);
		for (const {path, times, now} of late) {
			if (now?.isDirectory() !== true || lstatIfExists(diskPath(root, path)) === undefined) continue;
			const untouched = times.after?.mtimeMs === now.mtimeMs;
			setTime(diskPath(root, path), untouched ? times.before : now);
		}
	};
	try {
		for (const {path, kind} of targets) make(path, kind);
	} catch (error) {
		clear();
		throw error;
	}
	for (const [path, times] of parents) times.after = lstatIfExists(diskPath(root, path));
	return {clear};
}

function removeQuietly(path: string | Buffer, kind: MountTarget['kind']): void {
	try {
		if (kind === 'folder') rmdirSync(path);
		else if (lstatIfExists(path)?.size === 0) unlinkSync(path);
	} catch (error) {
		// What the command made use of is its result; what it removed is gone already.
		if (!['ENOTEMPTY', 'ENOENT', 'ENOTDIR', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
	}
}

function setTime(path: string | Buffer, stats: Stats): void {
	const text = (ms: number): string => String(ms / 1000);
	lutimesSync(path, text(stats.atimeMs), text(stats.mtimeMs));
}

function wrongKind(path: string, kind: MountTarget['kind']): SealError {
	const is =
		kind === 'folder' ? 'a file, and a folder is to be mounted on it' : 'a folder, and a file is to be mounted on it';
	return new SealError('ERR_RUN_MOUNT', `The mount target /${path} is ${is}`, {details: {target: `/${path}`}});
}
