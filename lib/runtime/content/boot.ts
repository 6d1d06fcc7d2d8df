import {chmod, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {hasCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {readFileVerified} from '../../oci/verify.js';
import {alone, type ContentFolder, prepareFolder, sweepWithdrawn} from './folder.js';
import {recheckPartials} from './partial.js';

/** A blob with this mode may be in the kernel's memory only; after a boot it is read before it is believed. */
export const unflushedMode = 0o600;
export const flushedMode = 0o400;

/**
 * Looks the content over when this is the first process since the boot: the machine may have lost power. What was at work then is
 * swept, parts and blobs that were never flushed are read again, and what is not right goes.
 */
export async function recoverAfterBoot(folder: ContentFolder, options: Abortable = {}): Promise<void> {
	if (await isLookedOver(folder)) return;
	if ((await withIo('read', folder.root, () => ifExists(() => stat(join(folder.root, 'blobs'))))) === undefined) return;
	await prepareFolder(folder);
	const work = async (): Promise<void> => {
		if (await isLookedOver(folder)) return;
		await sweepOtherBoots(folder);
		await sweepWithdrawn(folder);
		await recheckPartials(folder, options);
		await recheckBlobs(folder, options);
		await withIo('write', folder.bootFile, () => writeFile(folder.bootFile, folder.bootId));
	};
	await alone(folder, work, options);
}

/** The blobs of a host. */
export async function* listBlobs(
	folder: ContentFolder,
): AsyncGenerator<{readonly digest: Digest; readonly path: string}> {
	for (const algorithm of ['sha256', 'sha512']) {
		const path = join(folder.root, 'blobs', algorithm);
		for (const name of (await withIo('read', path, () => ifExists(() => readdir(path)))) ?? []) {
			const digest = `${algorithm}:${name}`;
			if (isDigest(digest)) yield {digest, path: join(path, name)};
		}
	}
}

/** Reads a blob; false when it is damaged, undefined when it is gone. */
export async function isIntact(
	digest: Digest,
	path: string,
	options: Abortable & {readonly onBytes?: (bytes: number) => void},
): Promise<boolean | undefined> {
	const facts = await withIo('read', path, () => ifExists(() => stat(path)));
	if (facts === undefined) return undefined;
	const descriptor = {mediaType: '', digest, size: facts.size};
	try {
		for await (const chunk of readFileVerified(path, descriptor, path, {reuse: true, signal: options.signal}))
			options.onBytes?.(chunk.length);
		return true;
	} catch (error) {
		if (hasCode(error, 'ERR_CONTENT_DIGEST') || hasCode(error, 'ERR_CONTENT_SIZE')) return false;
		throw error;
	}
}

async function isLookedOver(folder: ContentFolder): Promise<boolean> {
	const {bootFile, bootId} = folder;
	return (await withIo('read', bootFile, () => ifExists(() => readFile(bootFile, 'latin1')))) === bootId;
}

async function sweepOtherBoots(folder: ContentFolder): Promise<void> {
	for (const name of (await ifExists(() => readdir(folder.tmp))) ?? []) {
		const path = join(folder.tmp, name);
		if (path !== folder.work) await withIo('remove', path, () => rm(path, {recursive: true, force: true}));
	}
}

async function recheckBlobs(folder: ContentFolder, options: Abortable): Promise<void> {
	for await (const {digest, path} of listBlobs(folder)) {
		const facts = await ifExists(() => stat(path));
		if (facts === undefined || (facts.mode & 0o777) !== unflushedMode) continue;
		if (await isIntact(digest, path, options)) await chmod(path, flushedMode);
		else await rm(path, {force: true});
	}
}
