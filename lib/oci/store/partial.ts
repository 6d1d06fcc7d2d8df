import {constants} from 'node:fs';
import {copyFile, type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {besideOf, sweepBeside} from '../../core/atomic-file.js';
import {hasCode, isSealError, SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import {parseOwner, stateOf} from '../../core/process-owner.js';
import type {ContentOpener} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, createDigester, type Digest, type Digester, hexOf, isDigest} from '../digest.js';
import {checkDigest, discard, readFileRange, wrongSize} from '../verify.js';
import {privateFolder} from './layout.js';

/** Content below this is fetched anew after a cut: keeping it would cost more than it saves. */
export const smallestPartialBytes = 1024 * 1024;

/** Where the beginning of content lies until it is whole. */
export function partialPath(root: string, digest: Digest): string {
	return join(root, privateFolder, 'partial', `${algorithmOf(digest)}-${hexOf(digest)}`);
}

/**
 * Runs `work` while nobody else writes to the partial content at `path`, in this process or another. False, without having
 * run it, when somebody else holds it and brought it no further for `patienceMs`.
 */
export async function whileOwned(
	path: string,
	work: () => Promise<void>,
	{signal, patienceMs}: Abortable & {readonly patienceMs: number},
): Promise<boolean> {
	const lock = lockOf(path);
	// Shorter than what makes the lock of a silent holder stale: such a holder is seen before its lock is taken over.
	const timeoutMs = Math.min(patienceMs, 30_000);
	for (let last: number | undefined = -1; ; ) {
		const isDoubtful = await hasUnknownHolder(lock);
		const takeOver = async (): Promise<void> => {
			if (isDoubtful) await renewFile(path);
			await work();
		};
		try {
			await withLock(lock, takeOver, {signal, timeoutMs});
			return true;
		} catch (error) {
			if (!isSealError(error) || error.code !== 'ERR_STORE_LOCKED' || error.details.path !== lock) throw error;
		}
		const size = (await ifExists(() => stat(path)))?.size;
		if (size === last) return false;
		last = size;
	}
}

/**
 * Makes the file at `path` hold exactly the content of `descriptor`: what it holds already is hashed, only the rest is
 * read. When the whole is wrong after that, it is fetched once from its start. What came through before a failure is
 * kept for the next attempt, unless it is known to be bad or fills the disk.
 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_NO_SPACE; what `read` throws
 */
export async function completePartial(
	path: string,
	descriptor: Descriptor,
	read: ContentOpener,
	options: Abortable,
): Promise<void> {
	const file = await withIo('write', path, () => openPartial(path));
	try {
		await makeWhole({file, path, descriptor, read, options});
		if ((await file.stat()).size !== descriptor.size) throw changed(path);
		// Its time tells the collector that it is in use, also when it has been lying here for days.
		const now = new Date();
		await file.utimes(now, now);
	} catch (thrown) {
		const error = ioError(thrown, 'write', path);
		if (isUseless(error) || (await file.stat()).size === 0) await unlink(path).catch(() => undefined);
		throw error;
	} finally {
		await file.close();
	}
}

export interface SweptPartials {
	readonly digests: readonly Digest[];
	readonly freedBytes: number;
}

/** Removes partial content that nobody is adding to and nobody touched for `idleMs`. */
export async function sweepPartials(
	root: string,
	{idleMs, dryRun = false}: {readonly idleMs: number; readonly dryRun?: boolean},
): Promise<SweptPartials> {
	const folder = join(root, privateFolder, 'partial');
	const names = (await withIo('read', folder, () => ifExists(() => readdir(folder)))) ?? [];
	const digests: Digest[] = [];
	let freedBytes = 0;
	for (const name of new Set(names.map(one => one.replace(/\.lock$/, '')))) {
		const digest = name.replace('-', ':');
		if (!isDigest(digest)) continue;
		const sizeBytes = await sweepOne(join(folder, name), idleMs, dryRun);
		if (sizeBytes === undefined) continue;
		digests.push(digest);
		freedBytes += sizeBytes;
	}
	if (names.length > 0) await sweepBeside(folder);
	return {digests, freedBytes};
}

/** A download that was not taken up again for so long is not waited for. */
export const partialAgeMs = 7 * 24 * 60 * 60 * 1000;

interface Partial {
	readonly file: FileHandle;
	readonly path: string;
	readonly descriptor: Descriptor;
	readonly read: ContentOpener;
	readonly options: Abortable;
}

function lockOf(path: string): string {
	return `${path}.lock`;
}

/** Whether the lock is that of a process whose end cannot be told: in another container, perhaps only frozen. */
async function hasUnknownHolder(lock: string): Promise<boolean> {
	const text = await ifExists(() => readFile(lock, 'latin1')).catch(() => undefined);
	if (text === undefined) return false;
	const owner = parseOwner(text);
	return owner === undefined || stateOf(owner) === 'unknown';
}

/** The same beginning in another file: who wakes up and goes on writing to the old one harms nobody. */
async function renewFile(path: string): Promise<void> {
	const beside = besideOf(path);
	await withIo('write', path, () =>
		ifExists(async () => {
			try {
				await copyFile(path, beside, constants.COPYFILE_FICLONE);
				await rename(beside, path);
			} catch (error) {
				await unlink(beside).catch(() => undefined);
				throw error;
			}
		}),
	);
}

async function openPartial(path: string): Promise<FileHandle> {
	const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
	await mkdir(dirname(path), {recursive: true});
	return await open(path, flags, 0o644);
}

async function makeWhole(partial: Partial): Promise<void> {
	const {file, descriptor} = partial;
	const {size} = await file.stat();
	const offset = size > descriptor.size ? 0 : size;
	try {
		await fill(partial, offset);
	} catch (error) {
		if (offset === 0 || !hasCode(error, 'ERR_CONTENT_DIGEST')) throw error;
		// After a power cut the beginning may be anything: only content that was fetched in one go proves the source wrong.
		await fill(partial, 0);
	}
}

async function fill(partial: Partial, offset: number): Promise<void> {
	const {file, path, descriptor, options} = partial;
	const digester = createDigester(algorithmOf(descriptor.digest));
	if (offset === 0) await file.truncate(0);
	for await (const chunk of readFileRange(path, 0, offset, {...options, reuse: true})) digester.update(chunk);
	if (digester.sizeBytes < offset) throw wrongSize(descriptor, path, 'shorter', digester.sizeBytes);
	if (offset < descriptor.size || offset === 0) await append(partial, offset, digester);
	checkDigest(descriptor, digester.finish(), 'the source', wrongHint);
}

async function append({file, descriptor, read, options}: Partial, offset: number, digester: Digester): Promise<void> {
	const {signal} = options;
	const bytes = await read(offset, {signal, verify: false, reuse: true});
	const writer = createFileWriter(file);
	try {
		for await (const chunk of bytes) {
			signal?.throwIfAborted();
			digester.update(chunk);
			if (digester.sizeBytes > descriptor.size) throw wrongSize(descriptor, 'the source', 'longer');
			await writer.write(chunk);
		}
	} finally {
		await discard(bytes).catch(() => undefined);
		await writer.flush();
	}
	const {sizeBytes} = digester;
	if (sizeBytes < descriptor.size) throw wrongSize(descriptor, 'the source', 'shorter', sizeBytes);
}

function changed(path: string): SealError {
	return new SealError('ERR_STORE_DAMAGED', `Another process wrote to ${path} while it was filled`, {
		hint: 'Pull again, and let nothing but sealimage write into the store.',
		details: {path},
	});
}

const wrongHint = 'Try again; if it stays so, the source, or a proxy before it, holds wrong content.';

/** On a full disk what cannot be finished makes room. */
function isUseless(error: unknown): boolean {
	return (['ERR_CONTENT_DIGEST', 'ERR_CONTENT_SIZE', 'ERR_STORE_DAMAGED', 'ERR_NO_SPACE'] as const).some(code =>
		hasCode(error, code),
	);
}

async function sweepOne(path: string, idleMs: number, dryRun: boolean): Promise<number | undefined> {
	const look = async (): Promise<{readonly size: number; readonly isIdle: boolean} | undefined> => {
		const facts = await ifExists(() => stat(path));
		return facts && {size: facts.size, isIdle: idleMs === 0 || Date.now() - facts.mtimeMs >= idleMs};
	};
	if ((await look())?.isIdle === false) return undefined;
	let sizeBytes: number | undefined;
	const remove = async (): Promise<void> => {
		const found = await look();
		if (found?.isIdle !== true) return;
		if (!dryRun) await unlink(path);
		sizeBytes = found.size;
	};
	// Taking the lock removes the one that a dead process left behind.
	await withLock(lockOf(path), remove, {timeoutMs: 0}).catch((error: unknown) => {
		if (!isSealError(error)) throw ioError(error, 'remove', path);
	});
	return sizeBytes;
}
