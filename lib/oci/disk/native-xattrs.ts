import {setImmediate as breathe} from 'node:timers/promises';
import type {Abortable} from '../../core/events.js';
import {type Foreign, loadForeign} from '../../core/foreign.js';
import {decodeName, encodeName} from '../../core/name.js';
import {diskPath} from './path.js';
import type {FoundXattrs, XattrList, Xattrs} from './xattrs.js';

type LibraryCall = (...args: readonly unknown[]) => number;

/**
 * Sets extended attributes below `root` with lsetxattr(2), which follows no link. Resolves with how many could not be set and why
 * the first one was not; undefined where functions of the C library cannot be called.
 */
export async function setXattrsNatively(
	root: string,
	list: XattrList,
): Promise<{readonly failed: number; readonly errno: number} | undefined> {
	let foreign: Foreign;
	let set: (path: Buffer, name: Buffer, value: Uint8Array, sizeBytes: number, flags: number) => number;
	try {
		foreign = await loadForeign();
		set = foreign
			.load('libc.so.6')
			.func('int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)');
	} catch {
		return undefined;
	}
	let failed = 0;
	let errno = 0;
	for (const {path, xattrs} of list) {
		const file = terminated(Buffer.from(diskPath(root, path)));
		for (const [name, value] of Object.entries(xattrs)) {
			if (set(file, terminated(encodeName(name)), value, value.length, 0) === 0) continue;
			failed++;
			if (errno === 0) errno = foreign.errno();
		}
	}
	return {failed, errno};
}

/** The most that Linux lists or keeps as one value (XATTR_LIST_MAX, XATTR_SIZE_MAX), and a byte to point at when there is none. */
const maxAttributeBytes = 64 * 1024;

/**
 * Reads the attributes of files below `root` whose names are wanted, with llistxattr(2) and lgetxattr(2), which follow no link; names of
 * files may be any bytes. What is not there has none. Resolves with undefined where functions of the C library cannot be called.
 */
export async function readXattrsNatively(
	root: string,
	paths: readonly string[],
	isWanted: (name: string) => boolean,
	{signal}: Abortable = {},
): Promise<FoundXattrs | undefined> {
	let foreign: Foreign;
	let list: LibraryCall;
	let get: LibraryCall;
	try {
		foreign = await loadForeign();
		const library = foreign.load('libc.so.6');
		list = library.func('int64_t llistxattr(const void *path, void *list, size_t size)');
		get = library.func('int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)');
	} catch {
		return undefined;
	}
	const found = new Map<string, Xattrs>();
	const file = Buffer.alloc(maxPathBytes);
	const names = Buffer.alloc(maxAttributeBytes);
	const value = Buffer.alloc(maxAttributeBytes);
	let complete = true;
	for (const [index, path] of paths.entries()) {
		if (index % 8192 === 0) await breathe();
		signal?.throwIfAborted();
		writePath(file, diskPath(root, path));
		const listBytes = list(file, names, names.length);
		if (listBytes < 0 && !meaningNone.has(foreign.errno())) complete = false;
		if (listBytes <= 0) continue;
		const xattrs: Record<string, Uint8Array> = {};
		for (const name of decodeName(names.subarray(0, listBytes - 1))
			.split('\0')
			.filter(isWanted)) {
			const valueBytes = get(file, terminated(encodeName(name)), value, value.length);
			if (valueBytes >= 0) xattrs[name] = Buffer.from(value.subarray(0, valueBytes));
			else if (!meaningNone.has(foreign.errno())) complete = false;
		}
		if (Object.keys(xattrs).length > 0) found.set(path, xattrs);
	}
	return {xattrs: found, complete};
}

/** Linux takes 4096 bytes; a longer path is cut, and still too long. */
const maxPathBytes = 8192;

/** Into one buffer for all: tens of thousands would cost more than the calls. */
function writePath(file: Buffer, path: string | Buffer): void {
	const length =
		typeof path === 'string' ? file.write(path, 0, maxPathBytes - 1) : path.copy(file, 0, 0, maxPathBytes - 1);
	file[length] = 0;
}

/** The file or the attribute is not there, or the file system has no attributes: ENOENT, ENOTDIR, ENAMETOOLONG, ENODATA, ENOTSUP. */
const meaningNone: ReadonlySet<number> = new Set([2, 20, 36, 61, 95]);

/** As C wants a text. */
function terminated(bytes: Buffer): Buffer {
	return Buffer.concat([bytes, Buffer.alloc(1)]);
}
