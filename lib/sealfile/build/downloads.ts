import {mkdir, rename, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {CachedDownload, DownloadCache} from '../add/types.js';
import type {BuildCache} from './cache.js';

/** Downloads of ADD, kept by digest beside the other records; a file of another length than recorded is a miss. */
export function openDownloads(cache: BuildCache): DownloadCache {
	const folder = join(cache.folder, 'downloads');
	const keyOf = (url: string): string => hexOf(digestOf(url));
	return {
		async get(url) {
			const record = (await cache.note('download', keyOf(url))) as CachedDownload | undefined;
			if (record === undefined) return undefined;
			const found = await stat(record.path).catch(() => undefined);
			return found?.size === record.sizeBytes ? record : undefined;
		},
		async put(url, download) {
			await mkdir(folder, {recursive: true});
			const path = join(folder, download.digest.replace(':', '-'));
			await rename(download.path, path);
			const record = {...download, path};
			await cache.saveNote('download', keyOf(url), record);
			return record;
		},
	};
}
