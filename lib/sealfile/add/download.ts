import {type FileHandle, mkdtemp, open, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {hasCode, SealError} from '../../core/errors.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {type HttpClient, type HttpResponse, redactUrl} from '../../core/http.js';
import {withIo} from '../../core/io-error.js';
import {type Checksum, createHashes, type Hashes} from './checksum.js';
import {followRedirects} from './redirects.js';
import type {CachedDownload, DownloadCache} from './types.js';

export interface DownloadOptions extends OperationOptions {
	readonly http: HttpClient;
	/** An existing folder. The file appears there when it is complete and verified. */
	readonly scratchDir: string;
	readonly cache?: DownloadCache | undefined;
	readonly offline?: boolean | undefined;
	readonly checksum?: Checksum | undefined;
	/** The step that progress belongs to. Default the URL. */
	readonly id?: string | undefined;
	/** Before the second try; doubles with every further one. Default 500. */
	readonly retryDelayMs?: number | undefined;
}

/** Tries in a row that bring no byte. */
const limitTries = 5;
/** Tries at all: a server that cuts after every byte is given up. */
const limitRequests = 100;

/**
 * Fetches one file. A server that says it has not changed costs no transfer, a cached file with the wanted sha256 not
 * even a question. After a cut the rest is asked for, when the server can tell that it is of the same file.
 * @throws SealError ERR_DOWNLOAD, ERR_CHECKSUM, and for the disk as core/io-error.ts
 */
export async function download(url: string, options: DownloadOptions): Promise<CachedDownload> {
	const {cache, checksum, scratchDir} = options;
	const cached = await cache?.get(url);
	if (cached !== undefined && checksum !== undefined && satisfies(cached, checksum)) return cached;
	if (options.offline === true) return requireOffline(cached, url, checksum);
	const folder = await withIo('make a folder in', scratchDir, () => mkdtemp(join(scratchDir, 'download-')));
	try {
		const path = join(folder, 'content');
		const found = await transfer(url, `${path}.part`, cached, options);
		if (found === 'unchanged') {
			await rm(folder, {recursive: true, force: true});
			return requireOffline(cached, url, checksum);
		}
		await withIo('rename', path, () => rename(`${path}.part`, path));
		const record = {...found, path};
		return (await cache?.put(url, record)) ?? record;
	} catch (error) {
		await rm(folder, {recursive: true, force: true});
		throw error;
	}
}

/** A cached file stands for the URL unless a checksum says otherwise. */
function requireOffline(
	cached: CachedDownload | undefined,
	url: string,
	checksum: Checksum | undefined,
): CachedDownload {
	if (cached !== undefined && (checksum === undefined || satisfies(cached, checksum))) return cached;
	throw new SealError('ERR_DOWNLOAD', `${redactUrl(url)} is not among the downloads that were kept`, {
		hint: 'Build once with the network, or put the file into the build context.',
		details: {url: redactUrl(url)},
	});
}

function satisfies(cached: CachedDownload, checksum: Checksum): boolean {
	return [cached.digest, cached.verified].includes(`${checksum.algorithm}:${checksum.hex}`);
}

type Transferred = Omit<CachedDownload, 'path'>;

interface Part {
	readonly path: string;
	file: FileHandle;
	doneBytes: number;
	hashes: Hashes;
	/** What the server calls this version of the file: a strong ETag, else its date. */
	validator: string | undefined;
	etag: string | undefined;
	lastModified: string | undefined;
}

async function transfer(
	url: string,
	path: string,
	cached: CachedDownload | undefined,
	options: DownloadOptions,
): Promise<Transferred | 'unchanged'> {
	const {checksum} = options;
	// A cached file that does not have the wanted checksum needs no question whether it changed.
	const known = checksum === undefined ? cached : undefined;
	const file = await withIo('write', path, () => open(path, 'wx', 0o600));
	const part: Part = {
		path,
		file,
		doneBytes: 0,
		hashes: createHashes(checksum),
		validator: undefined,
		etag: undefined,
		lastModified: undefined,
	};
	try {
		for (let tries = 1, requests = 1; ; tries++, requests++) {
			const before = part.doneBytes;
			try {
				if (!(await fetchRest(url, part, known, options))) return 'unchanged';
				break;
			} catch (error) {
				options.signal?.throwIfAborted();
				if (part.doneBytes > before) tries = 1;
				if (!isPassing(error) || tries >= limitTries || requests >= limitRequests) throw failure(url, error);
				await pause(url, tries, error, options);
			}
		}
		part.hashes.verify(redactUrl(url));
		const digest = part.hashes.digest();
		emit(options, {type: 'blob.finished', id: options.id ?? redactUrl(url), digest, sizeBytes: part.doneBytes});
		return {
			digest,
			sizeBytes: part.doneBytes,
			etag: part.etag,
			lastModified: part.lastModified,
			...(checksum === undefined ? {} : {verified: `${checksum.algorithm}:${checksum.hex}`}),
		};
	} finally {
		await part.file.close();
	}
}

/** One request: all of the file, or what is missing of it. False when the cached file is still the right one. */
async function fetchRest(
	url: string,
	part: Part,
	known: CachedDownload | undefined,
	options: DownloadOptions,
): Promise<boolean> {
	const resuming = part.doneBytes > 0 && part.validator !== undefined;
	const headers = {
		// Bytes as they are stored: a transfer encoding would not match a checksum.
		'accept-encoding': 'identity',
		...(resuming ? {range: `bytes=${part.doneBytes}-`, 'if-range': part.validator as string} : conditions(known)),
	};
	const response = await followRedirects(options.http, url, headers, options);
	if (response.status === 304 && known !== undefined && !resuming) {
		await response.discard();
		return false;
	}
	const continues = resuming && response.status === 206 && startOf(response) === part.doneBytes;
	if (!continues && response.status !== 200) {
		await response.discard();
		if (response.status === 416 || response.status === 206) part.validator = undefined;
		throw badStatus(url, response.status);
	}
	if (!continues) await restart(part, response, options);
	await receive(url, part, response, options);
	return true;
}

async function restart(part: Part, response: HttpResponse, options: DownloadOptions): Promise<void> {
	await part.file.close();
	part.file = await withIo('write', part.path, () => open(part.path, 'w', 0o600));
	part.doneBytes = 0;
	part.hashes = createHashes(options.checksum);
	part.etag = response.header('etag');
	part.lastModified = response.header('last-modified');
	part.validator = part.etag === undefined || part.etag.startsWith('W/') ? part.lastModified : part.etag;
}

async function receive(url: string, part: Part, response: HttpResponse, options: DownloadOptions): Promise<void> {
	const length = response.header('content-length');
	const totalBytes = length === undefined ? undefined : part.doneBytes + Number(length);
	const report = progress(options, options.id ?? redactUrl(url), totalBytes);
	const writer = createFileWriter(part.file);
	try {
		for await (const chunk of response.body) {
			await withIo('write', redactUrl(url), () => writer.write(chunk));
			part.hashes.update(chunk);
			part.doneBytes += chunk.length;
			report(part.doneBytes);
		}
	} finally {
		// What arrived before a cut is kept for the next try.
		await withIo('write', redactUrl(url), () => writer.flush());
	}
	if (totalBytes !== undefined && part.doneBytes !== totalBytes) {
		throw new SealError('ERR_NETWORK', `${redactUrl(url)} ended after ${part.doneBytes} of ${totalBytes} bytes`);
	}
}

function conditions(known: CachedDownload | undefined): Record<string, string> {
	if (known?.etag !== undefined) return {'if-none-match': known.etag};
	return known?.lastModified === undefined ? {} : {'if-modified-since': known.lastModified};
}

function startOf(response: HttpResponse): number | undefined {
	const match = /^bytes (\d+)-/.exec(response.header('content-range') ?? '');
	return match === null ? undefined : Number(match[1]);
}

async function pause(url: string, tries: number, error: unknown, options: DownloadOptions): Promise<void> {
	const delayMs = (options.retryDelayMs ?? 500) * 2 ** (tries - 1);
	const reason = (error as Error).message;
	emit(options, {type: 'retry', id: options.id ?? redactUrl(url), attempt: tries + 1, reason, delayMs});
	try {
		await delay(delayMs, undefined, options.signal === undefined ? {} : {signal: options.signal});
	} catch (interruption) {
		options.signal?.throwIfAborted();
		throw interruption;
	}
}

/** Cuts, and answers that a later try may turn out better. */
function isPassing(error: unknown): boolean {
	if (hasCode(error, 'ERR_NETWORK')) return !lasting.test(String((error as SealError).details.systemCode ?? ''));
	const status = hasCode(error, 'ERR_DOWNLOAD') ? (error as SealError).details.status : undefined;
	return typeof status === 'number' && (status >= 500 || [206, 408, 416, 429].includes(status));
}

/** What the next seconds will not change: nobody there, no such name, a certificate that is not trusted. */
const lasting = /^(?:ECONNREFUSED|ENOTFOUND|CERT_|ERR_TLS_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/;

function badStatus(url: string, status: number): SealError {
	const missing = status === 404 || status === 410;
	return new SealError('ERR_DOWNLOAD', `${redactUrl(url)} answers with status ${status}`, {
		hint: missing ? 'Check the URL: the server has no such file.' : 'Check the URL and whether it needs a login.',
		details: {url: redactUrl(url), status},
	});
}

function failure(url: string, error: unknown): unknown {
	if (!hasCode(error, 'ERR_NETWORK')) return error;
	const {message, hint, details} = error as SealError;
	return new SealError('ERR_DOWNLOAD', message, {hint, details: {...details, url: redactUrl(url)}, cause: error});
}
