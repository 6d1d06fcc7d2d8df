import {join} from 'node:path';
import {withLock} from '../../../core/lock.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {lockPath, privateFolder, writeIndex} from '../../../oci/store/layout.js';
import type {Store} from '../../../oci/store/store.js';
import type {Snapshot} from './snapshot.js';

/** What a change under the lock comes to. */
export interface Edited<R> {
	readonly result: R;
	/** The new entries of `index.json`; absent when they stay. */
	readonly entries?: readonly Descriptor[];
	/** What may go once the new entries are on the disk; still under the lock. */
	readonly after?: () => Promise<void>;
}

/**
 * Changes names and links while nobody else does: the lock is the one of the store, which the collector holds while it marks
 * and sweeps, so what `change` has seen is there until its result is written.
 */
export type Editor = <R>(
	change: (snapshot: Snapshot) => Promise<Edited<R>>,
	options?: {readonly signal?: AbortSignal | undefined},
) => Promise<R>;

export function createEditor(
	store: Store,
	current: () => Promise<Snapshot>,
	options: {readonly sync: boolean; readonly lockTimeoutMs?: number | undefined},
): Editor {
	const {root} = store;
	const {sync, lockTimeoutMs} = options;
	return async (change, {signal} = {}) => {
		const work = async () => {
			const snapshot = await current();
			const {result, entries, after} = await change(snapshot);
			if (entries !== undefined) {
				await writeIndex(root, {...snapshot.index, manifests: entries}, {sync, tempDir: join(root, privateFolder)});
			}
			await after?.();
			return result;
		};
		return await withLock(lockPath(root), work, {
			what: `the store ${root}`,
			signal,
			...(lockTimeoutMs === undefined ? {} : {timeoutMs: lockTimeoutMs}),
		});
	};
}
