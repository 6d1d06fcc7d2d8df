import {mkdir, rename, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {CachedDownload, DownloadCache} from '../add/types.js';
import type {BuildCache} from './cache.js';

/** A download and what the kernel said of its file when it was verified. */
interface Kept extends CachedDownload {
	readonly ino: number;
	readonly mtimeMs: number;
}

/** Downloads of ADD, kept by URL beside the other records; a file that was touched since it was verified is a miss. */
export function openDownloads(cache: BuildCache): DownloadCache {
	const folder = join(cache.folder, 'downloads');
	const keyOf = (url: string): string => hexOf(digestOf(url));
	return {
		async get(url) {
			const record = (await cache.note('download', keyOf(url))) as Kept | undefined;
			if (record === undefined) return undefined;
			const found = await stat(record.path).catch(() => undefined);
			const same = found?.size === record.sizeBytes && found.ino === record.ino && found.mtimeMs === record.mtimeMs;
			return same ? record : undefined;
		},
		async put(url, download) {
			await mkdir(folder, {recursive: true});
			const path = join(folder, keyOf(url));
			await rename(download.path, path);
			const {ino, mtimeMs} = await stat(path);
			const record: Kept = {...download, path, ino, mtimeMs};
			await cache.saveNote('download', keyOf(url), record);
			return record;
		},
	};
}
