import {join} from 'node:path';
import {withLock} from '../../../core/lock.js';
import {mapBounded} from '../../../core/pool.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {lockPath, privateFolder, writeIndex} from '../../../oci/store/layout.js';
import {removeBlobLink, removeManifestLink} from '../../../oci/store/repository-links.js';
import type {Store} from '../../../oci/store/store.js';
import {type Snapshot, type Snapshots, shareNext} from './snapshot.js';

/** What a change under the lock comes to. */
export interface Edited<R> {
	readonly result: R;
	/** The new entries of `index.json`; absent when they stay. */
	readonly entries?: readonly Descriptor[];
	/** Links that may go once the new entries are on the disk, unless a change written together with this one has made them again. */
	readonly drops?: readonly LinkKey[];
}

/** A link of a repository in the store's spelling. */
export interface LinkKey {
	readonly kind: 'manifest' | 'blob';
	readonly repository: string;
	readonly digest: Digest;
}

/**
 * Changes names and links while nobody else does: the lock is the one of the store, which the collector holds while it marks
 * and sweeps, so what `change` has seen is there until its result is written. Changes that wait together share one writing of the
 * index: each sees those before it, and none is answered before all are on the disk.
 */
export interface Editor {
	edit<R>(
		change: (snapshot: Snapshot) => Promise<Edited<R>>,
		options?: {readonly signal?: AbortSignal | undefined},
	): Promise<R>;
	/** To be called by a change that has written a link. */
	note(link: LinkKey): void;
}

interface Waiting {
	run(snapshot: Snapshot): Promise<Edited<() => void>>;
	reject(reason: unknown): void;
}

export function createEditor(
	store: Store,
	snapshots: Snapshots,
	options: {readonly sync: boolean; readonly lockTimeoutMs?: number | undefined},
): Editor {
	const {root} = store;
	const {sync, lockTimeoutMs} = options;
	let waiting: Waiting[] = [];
	/** Which change of the group has written a link last. */
	const written = new Map<string, number>();
	let running = 0;

	const apply = async (group: readonly Waiting[]): Promise<void> => {
		const before = await snapshots.current();
		let snapshot = before;
		const applied: {readonly edited: Edited<() => void>; readonly at: number}[] = [];
		written.clear();
		for (const [at, each] of group.entries()) {
			running = at;
			try {
				const edited = await each.run(snapshot);
				if (edited.entries !== undefined) snapshot = snapshots.derive(snapshot, edited.entries);
				applied.push({edited, at});
			} catch (error) {
				each.reject(error);
			}
		}
		if (snapshot !== before) await writeIndex(root, snapshot.index, {sync, tempDir: join(root, privateFolder)});
		for (const {edited, at} of applied) {
			const drops = (edited.drops ?? []).filter(link => (written.get(keyOf(link)) ?? -1) <= at);
			await mapBounded(drops, 8, link => dropLink(root, link));
		}
		for (const {edited} of applied) edited.result();
	};
	const commit = async (): Promise<void> => {
		const group = waiting.slice(0, maxGroup);
		waiting = waiting.slice(maxGroup);
		if (group.length === 0) return;
		try {
			await withLock(lockPath(root), () => apply(group), {
				what: `the store ${root}`,
				...(lockTimeoutMs === undefined ? {} : {timeoutMs: lockTimeoutMs}),
			});
		} catch (error) {
			for (const {reject} of group) reject(error);
		}
		if (waiting.length > 0) void commitNext();
	};
	const commitNext = shareNext(commit);

	return {
		note: link => written.set(keyOf(link), running),
		edit: (change, {signal} = {}) =>
			new Promise((resolve, reject) => {
				waiting.push({
					async run(snapshot) {
						signal?.throwIfAborted();
						const {result, ...rest} = await change(snapshot);
						return {...rest, result: () => resolve(result)};
					},
					reject,
				});
				void commitNext();
			}),
	};
}

function keyOf({kind, repository, digest}: LinkKey): string {
	return `${kind} ${repository} ${digest}`;
}

async function dropLink(root: string, {kind, repository, digest}: LinkKey): Promise<void> {
	if (kind === 'manifest') await removeManifestLink(root, repository, digest);
	else await removeBlobLink(root, repository, digest);
}

/** Other processes wait no longer for the lock than so many changes take. */
const maxGroup = 32;
