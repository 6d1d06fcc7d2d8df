import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobQuery, BlobState} from './content.js';
import type {ContentFolder} from './folder.js';
import {recordFile} from './layer-record.js';
import {completePartial, listParts} from './partial.js';

const looksAtOnce = 16;

/** See HostContent. */
export async function have(
	folder: ContentFolder,
	blobs: readonly BlobQuery[],
	options: Abortable = {},
): Promise<readonly BlobState[]> {
	return await mapBounded(blobs, looksAtOnce, query => stateOf(folder, query), options);
}

async function stateOf(folder: ContentFolder, {blob, diffId, partCount}: BlobQuery): Promise<BlobState> {
	if (await exists(folder.blob(blob))) return {blob, state: 'whole'};
	if (diffId !== undefined && (await hasLayer(folder, diffId))) return {blob, state: 'unpacked'};
	const parts = (await listParts(folder, blob))?.filter(index => index < partCount);
	if (parts !== undefined && parts.length >= partCount) {
		await completePartial(folder, blob);
		if (await exists(folder.blob(blob))) return {blob, state: 'whole'};
	}
	return parts === undefined || parts.length === 0 ? {blob, state: 'absent'} : {blob, state: 'partial', parts};
}

/** Whether an unpacked layer is there: it appears as a whole. */
export async function hasLayer(folder: ContentFolder, diffId: Digest): Promise<boolean> {
	return await exists(join(folder.layer(diffId), recordFile));
}

export async function exists(path: string): Promise<boolean> {
	return (await withIo('read', path, () => ifExists(() => stat(path)))) !== undefined;
}
