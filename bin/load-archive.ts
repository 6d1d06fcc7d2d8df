import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {addAbortSignal} from 'node:stream';
import {withIo} from '../lib/core/io-error.js';
import type {ArchivedImage, ImageArchive} from '../lib/oci/archive/archive.js';
import {openLayoutDir} from '../lib/oci/archive/layout-dir.js';
import {openArchive} from '../lib/oci/archive/open.js';
import {copyContent} from '../lib/oci/copy.js';
import type {Platform} from '../lib/oci/platform.js';
import {normalizeReference} from '../lib/oci/reference.js';
import type {Store} from '../lib/oci/store/store.js';
import type {Context} from './context.js';
import {UsageError} from './usage-error.js';

export interface LoadedImage {
	/** As they are in the store; an image without a name is stored by its digest. */
	readonly names: readonly string[];
	readonly digest: string;
}

export interface LoadOptions {
	readonly platform?: Platform | undefined;
	/** In place of the names in the archive, which must hold one image. */
	readonly tags?: readonly string[] | undefined;
}

/** Brings the images of an archive, a folder, or `-` for stdin into the store. @throws UsageError; SealError as openArchive */
export async function loadArchive(
	input: string,
	store: Store,
	context: Context,
	{platform, tags = []}: LoadOptions = {},
): Promise<readonly LoadedImage[]> {
	const {signal, onEvent} = context;
	const archive = await openInput(input, store, context);
	try {
		const images = await archive.images();
		if (tags.length > 0 && images.length !== 1)
			throw new UsageError(`--tag names one image, and ${inputName(input)} holds ${images.length}`);
		const loaded: LoadedImage[] = [];
		for (const image of images) {
			const copied = await copyContent(archive, image.descriptor, store, {platform, signal, onEvent});
			const names = tags.length > 0 ? tags : storedNames(image);
			for (const name of names.length === 0 ? [copied.digest] : names) await store.tag(name, copied, {signal});
			if (names.length === 0) context.note(`${copied.digest} has no name; give it one with "sealimage tag".`);
			loaded.push({names, digest: copied.digest});
		}
		return loaded;
	} finally {
		await archive.close();
	}
}

async function openInput(input: string, store: Store, {io, signal, onEvent}: Context): Promise<ImageArchive> {
	const options = {tempDir: store.tempDir, signal};
	if (input === '-') {
		// A stream that waits for more does not look at the signal; its error may come before anyone reads it.
		addAbortSignal(signal, io.stdin).on('error', () => {});
		return await openArchive(io.stdin, {...options, name: inputName(input)});
	}
	const path = resolve(io.cwd, input);
	const stats = await withIo('read', path, async () => stat(path));
	return stats.isDirectory() ? await openLayoutDir(path, {signal, onEvent}) : await openArchive(path, options);
}

function inputName(input: string): string {
	return input === '-' ? 'stdin' : input;
}

/** Some tools write a bare tag where others write the whole name: a bare tag names nothing here. */
function storedNames({names}: ArchivedImage): string[] {
	return names
		.filter(name => /[/:]/.test(name))
		.flatMap(name => {
			try {
				return [normalizeReference(name)];
			} catch {
				return [];
			}
		});
}
