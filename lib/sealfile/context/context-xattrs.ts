import type {Abortable} from '../../core/events.js';
import {readXattrsBelow, type Xattrs} from '../../oci/disk/xattrs.js';

/** Extended attributes by path, relative to the root of the context. */
export type XattrTable = ReadonlyMap<string, Xattrs>;

/**
 * The attributes of a context that COPY keeps: `user.*` and file capabilities. Node has no call for them, so this is one
 * run of getfattr over the whole folder, and empty where there is no such program.
 */
export async function readContextXattrs(dir: string, options: Abortable = {}): Promise<XattrTable> {
	const table = new Map<string, Xattrs>();
	for (const [path, xattrs] of await readXattrsBelow(dir, options)) {
		const kept = Object.entries(xattrs).filter(([name]) => name.startsWith('user.') || name === 'security.capability');
		if (kept.length > 0) table.set(path, Object.fromEntries(kept));
	}
	return table;
}
