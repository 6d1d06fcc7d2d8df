import {type BigIntStats, closeSync, constants, lstatSync, openSync, readlinkSync} from 'node:fs';
import {systemCode} from '../../core/errors.js';
import {decodeName, diskName} from '../../core/name.js';
import type {EntryHeader, EntryType} from '../../oci/entry.js';
import type {XattrTable} from './context-xattrs.js';
import type {SourceNode} from './file-source.js';

/** A `SourceNode` that remembers which inode it was. */
export interface DiskNode extends SourceNode {
	readonly dev: bigint;
	readonly ino: bigint;
}

/**
 * The entry `path` of a context: looked at by the path `at`, its content found at `absolutePath` later. Undefined when
 * there is none.
 */
export function nodeOnDisk(
	path: string,
	at: string,
	absolutePath: string,
	xattrs: XattrTable | undefined,
): DiskNode | undefined {
	const disk = diskName(at);
	let stats: BigIntStats | undefined;
	try {
		stats = lstatSync(disk, {bigint: true, throwIfNoEntry: false});
	} catch (error) {
		// A name that is too long, below a file, or has a NUL in it names nothing.
		if (!['ENAMETOOLONG', 'ENOTDIR', 'ERR_INVALID_ARG_VALUE'].includes(systemCode(error) ?? '')) throw error;
	}
	if (stats === undefined) return undefined;
	const mode = Number(stats.mode);
	const format = mode & constants.S_IFMT;
	const type = types.get(format) ?? 'file';
	const attributes = xattrs?.get(path);
	const {dev, ino, mtimeNs} = stats;
	const plain = {
		path,
		type,
		// A link's own mode means nothing and differs between systems.
		mode: type === 'symlink' ? 0o777 : mode & 0o7777,
		uid: Number(stats.uid),
		gid: Number(stats.gid),
		size: format === constants.S_IFREG ? Number(stats.size) : 0,
		mtime: secondsOf(mtimeNs),
	};
	const header: EntryHeader = attributes === undefined ? plain : {...plain, xattrs: attributes};
	switch (format) {
		case constants.S_IFREG:
			return fileNode(header, disk, absolutePath, stats);
		case constants.S_IFLNK:
			return {header: {...header, linkname: decodeName(readlinkSync(disk, 'buffer'))}, dev, ino};
		case constants.S_IFCHR:
		case constants.S_IFBLK:
			return {header: {...header, ...deviceNumbers(stats.rdev)}, dev, ino};
		case constants.S_IFSOCK:
			return {header, dev, ino, problem: 'socket'};
		default:
			return {header, dev, ino};
	}
}

function fileNode(header: EntryHeader, disk: string | Buffer, path: string, stats: BigIntStats): DiskNode {
	const {dev, ino, size, mtimeNs, ctimeNs} = stats;
	const mode = Number(stats.mode);
	const identity = {path, dev, ino, size, mtimeNs, ctimeNs, mode};
	const node = {header, dev, ino, identity};
	const whole = header.size === 0 ? node : {...node, content: {kind: 'file', path, inode: Number(ino)} as const};
	if (stats.nlink === 1n && isReadable(disk, mode)) return whole;
	return {
		...whole,
		...(stats.nlink > 1n ? {linkKey: `${dev}:${ino}`} : undefined),
		...(isReadable(disk, mode) ? undefined : {problem: 'unreadable'}),
	};
}

const types: ReadonlyMap<number, EntryType> = new Map([
	[constants.S_IFREG, 'file'],
	[constants.S_IFDIR, 'directory'],
	[constants.S_IFLNK, 'symlink'],
	[constants.S_IFCHR, 'character'],
	[constants.S_IFBLK, 'block'],
	[constants.S_IFIFO, 'fifo'],
]);

function secondsOf(ns: bigint): number {
	const seconds = ns / 1_000_000_000n;
	return Number(ns < 0n && seconds * 1_000_000_000n !== ns ? seconds - 1n : seconds);
}

/** Linux's encoding of a device number (makedev(3)). */
function deviceNumbers(rdev: bigint): {devmajor: number; devminor: number} {
	return {
		devmajor: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
		devminor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
	};
}

/** Only a mode that does not let everyone read needs a try. access(2) would ask for the real user, not the effective one. */
function isReadable(disk: string | Buffer, mode: number): boolean {
	if ((mode & 0o444) === 0o444) return true;
	try {
		closeSync(openSync(disk, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
		return true;
	} catch {
		return false;
	}
}
