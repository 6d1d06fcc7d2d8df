import {resolve} from 'node:path';
import type {Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {openLayoutDir} from '../lib/oci/archive/layout-dir.js';
import {type ArchiveItem, writeDockerArchive, writeOciArchive} from '../lib/oci/archive/write.js';
import {writeArchiveFile} from '../lib/oci/archive/write-file.js';
import {copyContent} from '../lib/oci/copy.js';
import type {Platform} from '../lib/oci/platform.js';
import type {Store} from '../lib/oci/store/store.js';
import type {Context} from './context.js';
import {UsageError} from './usage-error.js';

export const archiveFormats = ['oci-archive', 'oci-dir', 'docker-archive'] as const;
export type ArchiveFormat = (typeof archiveFormats)[number];

export interface Destination {
	readonly format: ArchiveFormat;
	/** Absolute. */
	readonly path: string;
}

/** Reads `oci-archive:FILE`. @throws UsageError */
export function readDestination(flag: string, text: string, cwd: string): Destination {
	const colon = text.indexOf(':');
	const format = archiveFormats.find(name => name === text.slice(0, Math.max(0, colon)));
	if (format === undefined || colon === text.length - 1) {
		throw new UsageError(`${flag} is FORMAT:PATH, found "${text}"`, {
			hint: `Write it as ${archiveFormats.map(name => `${name}:PATH`).join(' or ')}.`,
		});
	}
	return {format, path: resolve(cwd, text.slice(colon + 1))};
}

/** Writes images to a file or folder. A file appears whole or not at all; into a folder images are added. */
export async function saveImages(
	store: Store,
	items: readonly ArchiveItem[],
	{format, path}: Destination,
	platform: Platform | undefined,
	context: Context,
): Promise<void> {
	const {signal, onEvent} = context;
	if (format === 'oci-dir') {
		const folder = await openLayoutDir(path, {create: true, signal, onEvent});
		try {
			for (const {descriptor, names} of items) {
				const copied = await copyContent(store, descriptor, folder, {platform, signal, onEvent});
				for (const name of names.length === 0 ? [copied.digest] : names) await folder.tag(name, copied, {signal});
			}
		} finally {
			await folder.close();
		}
		return;
	}
	await writeArchiveFile(path, format, store, items, {platform, signal, onEvent});
}

/** Writes an archive to a stream, which stays open. */
export async function streamImages(
	store: Store,
	items: readonly ArchiveItem[],
	format: Exclude<ArchiveFormat, 'oci-dir'>,
	platform: Platform | undefined,
	stream: Writable,
	{signal, onEvent}: Context,
): Promise<void> {
	const write = format === 'oci-archive' ? writeOciArchive : writeDockerArchive;
	const bytes = write(store, items, {platform, signal, onEvent});
	await pipeline(bytes, stream, {signal, end: false});
}
