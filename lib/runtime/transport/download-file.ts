import {createHash, type Hash} from 'node:crypto';
import {constants, createReadStream} from 'node:fs';
import {type FileHandle, open, rename, rm, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {syncFolder} from '../../core/atomic-file.js';
import {formatBytes} from '../../core/bytes.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {Digest} from '../../oci/digest.js';
import {HostError} from '../host/error.js';
import {gatherTail} from './exec.js';
import {fileError, plainPath, showPath} from './file-error.js';
import type {RemoteProcess, Transport} from './transport.js';

export interface DownloadOptions extends OperationOptions {
	/** Permission bits; default: those on the host, without set-user-id and the like. */
	readonly mode?: number | undefined;
	/** A longer file is refused. */
	readonly maxBytes?: number | undefined;
	readonly as?: 'root' | 'login' | undefined;
	/** What progress events call it; default: the path. */
	readonly id?: string | undefined;
}

export interface DownloadReport {
	readonly digest: Digest;
	readonly sizeBytes: number;
	/** What came over: less than the size when an earlier attempt had left a part. */
	readonly receivedBytes: number;
}

/**
 * Brings a file of a host to this machine: written beside and renamed, verified against the digest that the host computes. An attempt
 * that broke off goes on where it stood, unless the file has changed. Of a file that grows, as logs do, it takes what was
 * there at the start. An abort leaves nothing behind.
 * @throws HostError ERR_IO, ERR_PERMISSION, ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST when the file changes while it is read; SealError of
 * this machine's disk; what `Transport.spawn` throws
 */
export async function downloadFile(
	transport: Transport,
	path: string,
	target: string,
	options: DownloadOptions = {},
): Promise<DownloadReport> {
	const id = createHash('sha256')
		.update(`${transport.host}\0${path}\0${basename(target)}`)
		.digest('hex')
		.slice(0, 16);
	const part = join(dirname(target), `.sealimage-part-${id}`);
	try {
		const {hash, sizeBytes: offset} = await hashPart(part, options);
		const whole = await receive(transport, path, part, {...options, id: options.id ?? path}, hash, offset);
		// What was kept is not how the file begins today.
		const result =
			whole ??
			(offset === 0
				? undefined
				: await receive(transport, path, part, {...options, id: options.id ?? path}, createHash('sha256'), 0));
		if (result === undefined) {
			throw new HostError(transport.host, 'ERR_CONTENT_DIGEST', `${showPath(path)} changed while it was read`, {
				hint: 'Stop what writes to it, and try again.',
				details: {path},
			});
		}
		await withIo('write', target, async () => {
			await rename(part, target);
			await syncFolder(dirname(target));
		});
		return result;
	} catch (error) {
		const left = options.signal?.aborted === true ? undefined : await stat(part).catch(() => undefined);
		// Worth keeping for the next attempt only when something is in it.
		if ((left?.size ?? 0) === 0) await rm(part, {force: true}).catch(() => undefined);
		throw error;
	}
}

const downloadScript = `
LC_ALL=C
export LC_ALL
path=$1 offset=$2
sha() { if command -v sha256sum >/dev/null; then sha256sum; else openssl dgst -sha256 -r; fi; }
[ ! -d "$path" ] || { echo "$path: Is a directory" >&2; exit 1; }
[ ! -e "$path" ] || [ -f "$path" ] || { echo "$path: Not a regular file" >&2; exit 1; }
size=$(wc -c <"$path") || exit 1
size=$((size))
[ "$offset" -le "$size" ] || offset=0
echo "sealimage size $size from $offset mode $(stat -L -c %a -- "$path" 2>/dev/null)" >&2
head -c "$size" <"$path" | sha | sed "s/^/sealimage digest /" >&2 &
tail -c "+$((offset + 1))" <"$path" | head -c "$((size - offset))"
wait
`.trim();

/** Somebody else's link under the name of our unfinished file is not followed. */
const writeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;

/** Hashes what an earlier attempt left. */
async function hashPart(part: string, {signal}: OperationOptions): Promise<{hash: Hash; sizeBytes: number}> {
	const hash = createHash('sha256');
	let sizeBytes = 0;
	await withIo('read', part, () =>
		ifExists(async () => {
			for await (const chunk of createReadStream(part, {signal}) as AsyncIterable<Buffer>) {
				hash.update(chunk);
				sizeBytes += chunk.length;
			}
		}),
	);
	return {hash, sizeBytes};
}

/** One attempt, from `offset` on; undefined when the bytes do not have the digest. */
async function receive(
	transport: Transport,
	path: string,
	part: string,
	options: DownloadOptions & {readonly id: string},
	hash: Hash,
	offset: number,
): Promise<DownloadReport | undefined> {
	const stop = new AbortController();
	const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
	const argv = ['/bin/sh', '-c', downloadScript, 'sealimage-download', plainPath(path), String(offset)];
	const running = await transport.spawn(argv, {as: options.as, signal});
	running.stdin.end();
	const told = gatherTail(running.stderr);
	let file: FileHandle | undefined;
	try {
		file = await withIo('write', part, () =>
			open(part, writeFlags | (offset === 0 ? constants.O_TRUNC : constants.O_APPEND), 0o600),
		);
		const received = await store(running, file, {transport, path, hash, offset, options});
		const status = await running.exit;
		const facts = parseFacts(await told);
		if (status.code !== 0 || facts === undefined) {
			throw fileError(transport.host, 'read', path, (await told).replaceAll(/^sealimage .*\n?/gm, ''));
		}
		const sizeBytes = offset + received;
		if (facts.from !== offset || facts.sizeBytes !== sizeBytes || facts.hex !== hash.digest('hex')) {
			await withIo('write', part, () => file?.truncate(0) ?? Promise.resolve());
			return undefined;
		}
		await withIo('write', part, async () => {
			await file?.truncate(sizeBytes);
			await file?.chmod(options.mode ?? facts.mode);
			await file?.datasync();
		});
		return {digest: `sha256:${facts.hex}`, sizeBytes, receivedBytes: received};
	} catch (error) {
		stop.abort(error);
		await running.exit.catch(() => undefined);
		throw error;
	} finally {
		await file?.close().catch(() => undefined);
	}
}

interface Receiving {
	readonly transport: Transport;
	readonly path: string;
	readonly hash: Hash;
	readonly offset: number;
	readonly options: DownloadOptions & {readonly id: string};
}

async function store(running: RemoteProcess, file: FileHandle, receiving: Receiving): Promise<number> {
	const {transport, path, hash, offset, options} = receiving;
	const limitBytes = options.maxBytes ?? Number.MAX_SAFE_INTEGER;
	const report = progress(options, options.id);
	let doneBytes = offset;
	const writer = createFileWriter(file);
	for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
		doneBytes += chunk.length;
		if (doneBytes > limitBytes) {
			throw new HostError(
				transport.host,
				'ERR_CONTENT_SIZE',
				`${showPath(path)} is longer than the ${formatBytes(limitBytes)} allowed here`,
				{details: {path}},
			);
		}
		hash.update(chunk);
		await withIo('write', path, () => writer.write(chunk));
		report(doneBytes);
	}
	await withIo('write', path, () => writer.flush());
	emit(options, {type: 'blob.progress', id: options.id, doneBytes});
	return doneBytes - offset;
}

interface FileFacts {
	readonly sizeBytes: number;
	/** Where the host began: at the start, when it has less than was asked for. */
	readonly from: number;
	readonly mode: number;
	readonly hex: string;
}

function parseFacts(text: string): FileFacts | undefined {
	const [, size, from, mode] = /^sealimage size (\d+) from (\d+) mode ([0-7]*)$/m.exec(text) ?? [];
	const [, hex] = /^sealimage digest ([0-9a-f]{64})/m.exec(text) ?? [];
	if (size === undefined || hex === undefined) return undefined;
	const bits = mode === undefined || mode === '' ? 0o644 : Number.parseInt(mode, 8) & 0o777;
	return {sizeBytes: Number(size), from: Number(from), mode: bits, hex};
}
