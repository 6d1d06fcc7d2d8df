import {realpath} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {discard} from '../../oci/verify.js';
import {recoverAfterBoot} from './boot.js';
import type {HostContent} from './content.js';
import {type ContentFolder, contentFolder} from './folder.js';
import {collectGarbage} from './gc.js';
import {exists, have} from './have.js';
import {listImages} from './images.js';
import {readPart, writePart} from './parts.js';
import {freeBytesIn} from './space.js';
import {unpack} from './unpack.js';
import {verify} from './verify.js';

export interface HostContentOptions {
	/** `full` (the default) survives a power cut, `none` survives kill -9 only. */
	readonly durability?: 'full' | 'none' | undefined;
}

/**
 * The content of the host that this process runs on, in the folder `root`, which is made when something is written and may be a
 * link to another disk. Nothing has to be closed.
 */
export function openHostContent(root: string, options: HostContentOptions = {}): HostContent {
	let opening: Promise<ContentFolder> | undefined;
	/** Once for a process: a boot ends it. */
	const open = async (): Promise<ContentFolder> => {
		const running = opening ?? openFolder(root, options);
		opening = running;
		try {
			return await running;
		} catch (error) {
			if (opening === running) opening = undefined;
			throw error;
		}
	};
	const opened = async <R>(
		work: (folder: ContentFolder) => Promise<R>,
		signal: AbortSignal | undefined,
	): Promise<R> => {
		signal?.throwIfAborted();
		const folder = await open();
		signal?.throwIfAborted();
		return await work(folder);
	};
	return {
		have: (blobs, how = {}) => opened(folder => have(folder, blobs, how), how.signal),
		async freeBytes() {
			// Before the first content comes there is no folder yet.
			let path = resolve(root);
			while (!(await exists(path)) && path !== dirname(path)) path = dirname(path);
			return await freeBytesIn(path);
		},
		async writePart(blob, part, bytes, how = {}) {
			// A source that will not be read is let go.
			const folder = await opened(async found => found, how.signal).catch(async (error: unknown) => {
				await discard(bytes).catch(() => undefined);
				throw error;
			});
			await writePart(folder, blob, part, bytes, how);
		},
		readPart: (part, how = {}) => opened(folder => readPart(folder, part, how), how.signal),
		unpack: (request, how = {}) => opened(folder => unpack(folder, request, how), how.signal),
		images: (how = {}) => opened(listImages, how.signal),
		verify: (how = {}) => opened(folder => verify(folder, how), how.signal),
		gc: (how = {}) => opened(folder => collectGarbage(folder, how), how.signal),
	};
}

async function openFolder(root: string, options: HostContentOptions): Promise<ContentFolder> {
	const folder = contentFolder(await realPath(resolve(root)), options.durability);
	await recoverAfterBoot(folder);
	return folder;
}

/** The path without symbolic links, also of what does not exist yet. */
async function realPath(path: string): Promise<string> {
	const real = await withIo('open', path, () => ifExists(() => realpath(path)));
	if (real !== undefined || path === dirname(path)) return real ?? path;
	return join(await realPath(dirname(path)), basename(path));
}
