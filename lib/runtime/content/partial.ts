import {randomBytes} from 'node:crypto';
import {mkdir, open, readdir, readFile, rename, rm, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {withTempDir} from '../../core/temp-dir.js';
import {algorithmOf, createDigester, type Digest, hexOf, isDigest} from '../../oci/digest.js';
import {readFileRange} from '../../oci/verify.js';
import type {ContentFolder} from './folder.js';
import {type BlobParts, partBytes} from './part.js';

/**
 * A blob on its way is a folder that appears with its description and goes in one step: `parts` (what was announced), `data`
 * (the bytes, each part at its place) and an empty file for every part that is there and was checked.
 */
export const dataFile = 'data';
const partsFile = 'parts';

/** The numbers of the parts that are there; undefined when nothing of the blob is on its way. */
export async function listParts(folder: ContentFolder, digest: Digest): Promise<readonly number[] | undefined> {
	const path = folder.partial(digest);
	const names = await withIo('read', path, () => ifExists(() => readdir(path)));
	return names
		?.filter(name => /^\d+$/.test(name))
		.map(Number)
		.sort((a, b) => a - b);
}

/** How a blob was announced, byte for byte comparable. */
export function formatParts({blob, sizeBytes, parts}: BlobParts): string {
	return JSON.stringify({blob, sizeBytes, parts: parts.map(part => part.digest)});
}

interface Announced {
	readonly blob: Digest;
	readonly sizeBytes: number;
	readonly parts: readonly Digest[];
}

/** Undefined when there is nothing, or nothing that can be used. */
async function readAnnounced(path: string): Promise<Announced | undefined> {
	const text = await ifExists(() => readFile(join(path, partsFile), 'latin1'));
	if (text === undefined) return undefined;
	try {
		const {blob, sizeBytes, parts} = JSON.parse(text) as Partial<Announced>;
		if (!isDigest(blob) || !Number.isSafeInteger(sizeBytes) || parts?.every(isDigest) !== true) return undefined;
		return {blob, sizeBytes: sizeBytes as number, parts};
	} catch {
		return undefined;
	}
}

/** Whether what is on its way was announced in just this way. */
export async function isAnnouncedAs(path: string, text: string): Promise<boolean> {
	return (await ifExists(() => readFile(join(path, partsFile), 'latin1'))) === text;
}

/** Makes the folder of a blob without parts. Somebody else's that is there already is left as it is. */
export async function createPartial(folder: ContentFolder, blob: BlobParts): Promise<void> {
	const path = folder.partial(blob.blob);
	await withTempDir(folder.work, async work => {
		const fresh = join(work, 'partial');
		await withIo('write', path, async () => {
			await mkdir(fresh, {mode: 0o700});
			await writeFile(join(fresh, partsFile), formatParts(blob), {mode: 0o600});
			await writeFile(join(fresh, dataFile), '', {mode: 0o600});
			await rename(fresh, path).catch((error: unknown) => {
				if (!['EEXIST', 'ENOTEMPTY'].includes(systemCode(error) ?? '')) throw error;
			});
		});
	});
}

/** Takes the folder of a blob away at once, and then removes it. */
export async function dropPartial(folder: ContentFolder, digest: Digest): Promise<void> {
	await dropFolder(folder.partial(digest));
}

async function dropFolder(path: string): Promise<void> {
	const gone = `${path}.gone-${randomBytes(6).toString('hex')}`;
	await withIo('remove', path, async () => {
		await ifExists(() => rename(path, gone));
		await rm(gone, {recursive: true, force: true});
	});
}

/**
 * When all parts are there, they become the blob. Whoever finds them all does it: who brought the last one may have died right
 * after that.
 */
export async function completePartial(folder: ContentFolder, digest: Digest): Promise<void> {
	const path = folder.partial(digest);
	const there = await listParts(folder, digest);
	if (there === undefined || there.length === 0) return await whileCompleted(folder, digest);
	const partCount = (await readAnnounced(path))?.parts.length ?? Number.POSITIVE_INFINITY;
	if (there.length < partCount) return;
	// First the folder: parts without their data would be believed by who comes next.
	const done = `${path}.done-${randomBytes(6).toString('hex')}`;
	await withIo('store', path, async () => {
		if ((await ifExists(() => rename(path, done).then(() => true))) === true) await adopt(folder, done);
		else await whileCompleted(folder, digest);
	});
}

const lookMs = 5;
/** Renaming takes no time: who takes longer has died, and is swept later. */
const longestMs = 1000;

/** Waits while another process makes the parts of a blob the blob. */
export async function whileCompleted(folder: ContentFolder, digest: Digest): Promise<void> {
	const prefix = `${hexOf(digest)}.done-`;
	for (let waitedMs = 0; waitedMs < longestMs; waitedMs += lookMs) {
		const names = (await ifExists(() => readdir(folder.partials))) ?? [];
		if (!names.some(name => name.startsWith(prefix))) return;
		await sleep(lookMs);
	}
	await sweepPartials(folder);
}

async function adopt(folder: ContentFolder, done: string): Promise<void> {
	const announced = await readAnnounced(done);
	const found = await ifExists(() => stat(join(done, dataFile)));
	if (announced !== undefined && found?.size === announced.sizeBytes)
		await ifExists(() => rename(join(done, dataFile), folder.blob(announced.blob)));
	await rm(done, {recursive: true, force: true});
}

/** Bytes that are still to come of all blobs on their way: they are not free although the disk says so. */
export async function outstandingBytes(folder: ContentFolder): Promise<number> {
	let sum = 0;
	for (const name of (await ifExists(() => readdir(folder.partials))) ?? []) {
		if (!/^[0-9a-f]+$/.test(name)) continue;
		const announced = await readAnnounced(join(folder.partials, name));
		if (announced === undefined) continue;
		const there = (await listParts(folder, announced.blob))?.length ?? 0;
		sum += Math.max(0, announced.sizeBytes - there * partBytes);
	}
	return sum;
}

/** Takes up what died between two steps: blobs that were whole but not in their place yet, folders on their way out. */
export async function sweepPartials(folder: ContentFolder): Promise<void> {
	for (const name of (await ifExists(() => readdir(folder.partials))) ?? []) {
		const path = join(folder.partials, name);
		if (name.includes('.done-')) await withIo('store', path, () => adopt(folder, path));
		else if (name.includes('.gone-')) await withIo('remove', path, () => rm(path, {recursive: true, force: true}));
	}
}

/** Reads every part again: a power cut may have kept the note of a part and lost its bytes. */
export async function recheckPartials(folder: ContentFolder, options: Abortable = {}): Promise<void> {
	await sweepPartials(folder);
	for (const name of (await ifExists(() => readdir(folder.partials))) ?? [])
		await recheck(folder, join(folder.partials, name), options);
}

async function recheck(folder: ContentFolder, path: string, options: Abortable): Promise<void> {
	const announced = await readAnnounced(path);
	if (announced === undefined) return await dropFolder(path);
	for (const index of (await listParts(folder, announced.blob)) ?? []) {
		const sizeBytes = Math.min(partBytes, announced.sizeBytes - index * partBytes);
		const digest = announced.parts[index];
		if (digest !== undefined && (await isRight(join(path, dataFile), index * partBytes, sizeBytes, digest, options)))
			continue;
		await rm(join(path, String(index)), {force: true});
	}
}

async function isRight(
	path: string,
	offset: number,
	sizeBytes: number,
	digest: Digest,
	options: Abortable,
): Promise<boolean> {
	const digester = createDigester(algorithmOf(digest));
	if ((await ifExists(() => stat(path))) === undefined) return false;
	for await (const chunk of readFileRange(path, offset, sizeBytes, {reuse: true, signal: options.signal}))
		digester.update(chunk);
	return digester.sizeBytes === sizeBytes && digester.finish() === digest;
}

/** An empty file that says that a part is there. False when the folder of the blob is gone. */
export async function noteFor(path: string, index: number): Promise<boolean> {
	const note = join(path, String(index));
	try {
		await (await open(note, 'wx', 0o600)).close();
		return true;
	} catch (error) {
		if (systemCode(error) === 'EEXIST') return true;
		if (systemCode(error) === 'ENOENT') return false;
		throw error;
	}
}
