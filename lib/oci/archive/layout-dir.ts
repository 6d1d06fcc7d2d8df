import {rmdir} from 'node:fs/promises';
import {join, resolve as resolvePath} from 'node:path';
import type {OperationOptions} from '../../core/events.js';
import {withLock} from '../../core/lock.js';
import type {BlobAdopter, BlobFiles, ImageSink} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {createBlobFolder} from '../store/blobs.js';
import {
	lockPath,
	namesOf,
	openLayout,
	privateFolder,
	readIndex,
	refNameAnnotation,
	withoutName,
	writeIndex,
} from '../store/layout.js';
import {digestInReference, withUnnamed} from '../store/names.js';
import {createSession} from '../store/session.js';
import {groupImages, type ImageArchive, resolveEntry} from './archive.js';

export interface LayoutDirOptions extends OperationOptions {
	/** Make the folder when there is none (default false). */
	readonly create?: boolean;
}

/** A folder with an image layout that is not our store: names are kept exactly as given. */
export interface LayoutDir extends ImageArchive, ImageSink, BlobFiles, BlobAdopter {}

/** @throws SealError ERR_LAYOUT_INVALID, ERR_STORE_DAMAGED, ERR_PERMISSION, ERR_IO */
export async function openLayoutDir(path: string, options: LayoutDirOptions = {}): Promise<LayoutDir> {
	const root = resolvePath(path);
	await openLayout(root, {create: options.create ?? false, signal: options.signal});
	const own = join(root, privateFolder);
	const session = createSession(join(own, 'tmp'));
	const blobs = createBlobFolder({root, name: root, session, collectorLock: join(own, 'collector')});
	const entriesOf = async (): Promise<readonly Descriptor[]> => (await readIndex(root)).manifests;
	return {
		blobPath: blobs.blobPath,
		adopt: blobs.adopt,
		fetch: blobs.fetch,
		push: blobs.push,
		exists: blobs.exists,
		images: async () => groupImages(await entriesOf(), namesOf),
		resolve: async reference => resolveEntry(await entriesOf(), reference, root),
		async tag(reference, descriptor, {signal} = {}) {
			await blobs.sync();
			const change = async (): Promise<void> => {
				const index = await readIndex(root);
				const manifests = withEntry(index.manifests, reference, descriptor);
				await writeIndex(root, {...index, manifests}, {sync: true, tempDir: await session.folder()});
			};
			await withLock(lockPath(root), change, {what: root, signal});
		},
		/** Leaves nothing in the folder but the layout itself. */
		async close() {
			await blobs.close();
			for (const folder of [join(own, 'tmp'), own]) await rmdir(folder).catch(() => undefined);
		},
	};
}

function withEntry(entries: readonly Descriptor[], reference: string, descriptor: Descriptor): readonly Descriptor[] {
	if (digestInReference(reference) === reference) return withUnnamed(entries, descriptor);
	const bare = withoutName(descriptor);
	const kept = entries.filter(
		entry => !namesOf(entry).includes(reference) && (entry.digest !== bare.digest || namesOf(entry).length > 0),
	);
	return [...kept, {...bare, annotations: {...bare.annotations, [refNameAnnotation]: reference}}];
}
