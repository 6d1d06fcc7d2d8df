import {type Foreign, loadForeign} from '../../core/foreign.js';
import {encodeName} from '../../core/name.js';
import {diskPath} from './path.js';
import type {XattrList} from './xattrs.js';

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

/** As C wants a text. */
function terminated(bytes: Buffer): Buffer {
	return Buffer.concat([bytes, Buffer.alloc(1)]);
}
