import {dirname} from 'node:path';
import {recoverAfterBoot} from './boot.js';
import type {HostContent} from './content.js';
import {contentFolder} from './folder.js';
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
 * The content of the host that this process runs on, in the folder `root`, which is made when something is written. Nothing has to
 * be closed.
 */
export function openHostContent(root: string, options: HostContentOptions = {}): HostContent {
	const folder = contentFolder(root, options.durability);
	let recovering: Promise<void> | undefined;
	/** Once for a process: a boot ends it. */
	const ready = async (): Promise<void> => {
		const running = recovering ?? recoverAfterBoot(folder);
		recovering = running;
		try {
			await running;
		} catch (error) {
			if (recovering === running) recovering = undefined;
			throw error;
		}
	};
	const whenReady = async <R>(work: () => Promise<R>, signal: AbortSignal | undefined): Promise<R> => {
		signal?.throwIfAborted();
		await ready();
		signal?.throwIfAborted();
		return await work();
	};
	return {
		have: (blobs, options = {}) => whenReady(() => have(folder, blobs, options), options.signal),
		async freeBytes() {
			// Before the first content comes there is no folder yet.
			let path = root;
			while (!(await exists(path)) && path !== dirname(path)) path = dirname(path);
			return await freeBytesIn(path);
		},
		writePart: (blob, part, bytes, options = {}) =>
			whenReady(() => writePart(folder, blob, part, bytes, options), options.signal),
		readPart: (part, options = {}) => whenReady(() => readPart(folder, part, options), options.signal),
		unpack: (request, options = {}) => whenReady(() => unpack(folder, request, options), options.signal),
		images: (options = {}) => whenReady(() => listImages(folder), options.signal),
		verify: (options = {}) => whenReady(() => verify(folder, options), options.signal),
		gc: (options = {}) => whenReady(() => collectGarbage(folder, options), options.signal),
	};
}
