import {closeSync, constants, lstatSync, openSync, readlinkSync, type Stats} from 'node:fs';
import {systemCode} from '../../core/errors.js';
import {decodeName, diskName} from '../../core/name.js';
import type {EntryHeader, EntryType} from '../../oci/entry.js';
import type {ContextXattrs} from './context-xattrs.js';
import type {SourceNode} from './file-source.js';
import type {SeenEntries} from './seen-entries.js';

/** A `SourceNode` that remembers which inode it was. */
export interface DiskNode extends SourceNode {
	readonly dev: number;
	readonly ino: number;
	readonly ctimeMs: number;
}

/** Who wants to know of each entry that is looked at. */
export interface Watchers {
	readonly xattrs?: ContextXattrs | undefined;
	readonly seen?: SeenEntries | undefined;
}

/**
 * The entry `path` of a context: looked at by the path `at`, its content found at `absolutePath` later. Undefined when
 * there is none.
 */
export function nodeOnDisk(
	path: string,
	at: string,
	absolutePath: string,
	{xattrs, seen}: Watchers,
): DiskNode | undefined {
	const disk = diskName(at);
	let stats: Stats | undefined;
	try {
		stats = lstatSync(disk, {throwIfNoEntry: false});
	} catch (error) {
		// A name that is too long, below a file, or has a NUL in it names nothing.
		if (!['ENAMETOOLONG', 'ENOTDIR', 'ERR_INVALID_ARG_VALUE'].includes(systemCode(error) ?? '')) throw error;
	}
	if (stats === undefined) return undefined;
	const {dev, ino, ctimeMs, mode, uid, gid} = stats;
	const format = mode & constants.S_IFMT;
	const type = types.get(format) ?? 'file';
	seen?.note(path, stats);
	const attributes = xattrs?.of(path, stats);
	const plain = {
		path,
		type,
		// A link's own mode means nothing and differs between systems.
		mode: type === 'symlink' ? 0o777 : mode & 0o7777,
		uid,
		gid,
		size: format === constants.S_IFREG ? stats.size : 0,
		// A double is exact here but for the last 0.1 microseconds of a second, which it rounds up.
		mtime: Math.floor(stats.mtimeMs / 1000),
	};
	const header: EntryHeader = attributes === undefined ? plain : {...plain, xattrs: attributes};
	switch (format) {
		case constants.S_IFREG:
			return fileNode(header, disk, absolutePath, stats);
		case constants.S_IFLNK:
			return {header: {...header, linkname: decodeName(readlinkSync(disk, 'buffer'))}, dev, ino, ctimeMs};
		case constants.S_IFCHR:
		case constants.S_IFBLK:
			return {header: {...header, ...deviceNumbers(stats.rdev)}, dev, ino, ctimeMs};
		case constants.S_IFSOCK:
			return {header, dev, ino, ctimeMs, problem: 'socket'};
		default:
			return {header, dev, ino, ctimeMs};
	}
}

function fileNode(header: EntryHeader, disk: string | Buffer, path: string, stats: Stats): DiskNode {
	const {dev, ino, size, mtimeMs, ctimeMs, mode} = stats;
	const identity = {path, dev, ino, size, mtimeMs, ctimeMs, mode};
	// Spelled out, as tens of thousands of these are made: spreading one into another takes longer than the look itself.
	const whole: DiskNode =
		header.size === 0
			? {header, dev, ino, ctimeMs, identity}
			: {header, dev, ino, ctimeMs, identity, content: {kind: 'file', path, inode: ino}};
	if (stats.nlink === 1 && isReadable(disk, mode)) return whole;
	return {
		...whole,
		...(stats.nlink > 1 ? {linkKey: inodeKey(disk, stats)} : undefined),
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

/** Names of one file have one key; some network file systems number beyond what a double tells apart. */
function inodeKey(disk: string | Buffer, {dev, ino}: Stats): string {
	if (Number.isSafeInteger(ino)) return `${dev}:${ino}`;
	return `${dev}:${lstatSync(disk, {bigint: true}).ino}`;
}

/** Linux's encoding of a device number (makedev(3)). */
function deviceNumbers(device: number): {devmajor: number; devminor: number} {
	const rdev = BigInt(device);
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
