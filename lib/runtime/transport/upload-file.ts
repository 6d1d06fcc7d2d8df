import {createHash} from 'node:crypto';
import {basename} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import {HostError} from '../host/error.js';
import {exec} from './exec.js';
import {checkSpace, fileError, plainPath, showPath} from './file-error.js';
import type {Transport} from './transport.js';
import {blockBytes, type UploadArguments, uploadWords} from './upload-script.js';
import {type KnownSource, openSource, type UploadSource} from './upload-source.js';

export type {UploadSource} from './upload-source.js';

export interface UploadOptions extends OperationOptions {
	/** Permission bits; default: those of the file that is sent, 0o644 for anything else. */
	readonly mode?: number | undefined;
	/** `user` or `user:group`, names or numbers of the host; default: who writes it. */
	readonly owner?: string | undefined;
	/** Make the folders above it where they are missing. */
	readonly makeFolders?: boolean | undefined;
	/** The name in a folder, for when the path turns out to be one; without it that is an error. */
	readonly nameInFolder?: string | undefined;
	readonly as?: 'root' | 'login' | undefined;
	/** What progress events call it; default: the path. */
	readonly id?: string | undefined;
}

export interface UploadReport {
	readonly digest: Digest;
	readonly sizeBytes: number;
	/** What went over: less than the size when the host had a part of it, 0 when it had it all. */
	readonly sentBytes: number;
}

/**
 * Brings a file to a host: written beside and renamed, so that readers see the old file or the new one, its digest verified on the host
 * before that. Small files take one round trip. Large ones are asked for first: what is there is not sent again, and an
 * attempt that broke off, by a power cut too, goes on where it stood. An abort leaves nothing behind.
 * @throws HostError ERR_NO_SPACE (before and while sending), ERR_READ_ONLY, ERR_PERMISSION, ERR_IO, ERR_CONTENT_DIGEST when the
 * source changed meanwhile; what `openSource` and `exec` throw
 */
export async function uploadFile(
	transport: Transport,
	source: UploadSource,
	path: string,
	options: UploadOptions = {},
): Promise<UploadReport> {
	const known = await openSource(source, options);
	const request = argumentsOf(known, path, options);
	const upload: Upload = {transport, known, request, options, id: options.id ?? path};
	const digest: Digest = `sha256:${known.hex}`;
	const {sizeBytes} = known;
	const skip = (): UploadReport => {
		emit(options, {type: 'blob.skipped', id: upload.id, digest, sizeBytes});
		return {digest, sizeBytes, sentBytes: 0};
	};
	let offset = 0;
	if (sizeBytes > oneTripBytes) {
		const found = await probe(upload);
		if (found === 'same') return skip();
		offset = found;
	}
	const answer = await send(upload, offset);
	if (answer === 'same') return skip();
	const sentBytes = sizeBytes - offset;
	emit(options, {type: 'blob.finished', id: upload.id, digest, sizeBytes, ...(offset === 0 ? {} : {sentBytes})});
	return {digest, sizeBytes, sentBytes};
}

interface Upload {
	readonly transport: Transport;
	readonly known: KnownSource;
	readonly request: UploadArguments;
	readonly options: UploadOptions;
	readonly id: string;
}

/** Up to this size a question costs more than sending it. The script knows the number too. */
const oneTripBytes = 1024 * 1024;
const cleanTimeoutMs = 10_000;

function argumentsOf(known: KnownSource, path: string, options: UploadOptions): UploadArguments {
	const {nameInFolder: name = '', owner = ''} = options;
	if (name !== '' && basename(name) !== name) throw new TypeError(`${JSON.stringify(name)} is not a name in a folder`);
	if (path.endsWith('/') && name === '') throw new TypeError(`${JSON.stringify(path)} is the path of a folder`);
	return {
		path: plainPath(path),
		name,
		id: createHash('sha256').update(`${path}\0${name}`).digest('hex').slice(0, 16),
		sizeBytes: known.sizeBytes,
		hex: known.hex,
		mode: (options.mode ?? known.mode ?? 0o644).toString(8),
		owner,
		parents: options.makeFolders === true,
		offset: 0,
	};
}

/** `same`, or from which byte on it has to be sent. */
async function probe(upload: Upload): Promise<'same' | number> {
	const {transport, known, request, options} = upload;
	const {stdout, stderr, status} = await exec(transport, uploadWords('probe', request), {
		as: options.as,
		signal: options.signal,
	});
	if (status.code !== 0) throw fileError(transport.host, 'write', request.path, stderr.toString());
	const lines = stdout.toString().trimEnd().split('\n');
	if (lines.at(-1) === 'same') return 'same';
	const blocks = lines.filter(line => line.startsWith('block ')).map(line => line.slice('block '.length));
	const offset = await commonBytes(known, blocks, options.signal);
	checkSpace(transport.host, request.path, lines[0] ?? '', known.sizeBytes - offset);
	return offset;
}

/** How much of the source the blocks of the host repeat. */
async function commonBytes(known: KnownSource, blocks: readonly string[], signal?: AbortSignal): Promise<number> {
	if (blocks.length === 0) return 0;
	let hash = createHash('sha256');
	let filled = 0;
	let same = 0;
	for await (const chunk of known.read(0)) {
		signal?.throwIfAborted();
		for (let at = 0; at < chunk.length; ) {
			const piece = chunk.subarray(at, at + blockBytes - filled);
			hash.update(piece);
			filled += piece.length;
			at += piece.length;
			if (filled < blockBytes) continue;
			if (hash.digest('hex') !== blocks[same]) return same * blockBytes;
			same++;
			if (same === blocks.length) return same * blockBytes;
			hash = createHash('sha256');
			filled = 0;
		}
	}
	return same * blockBytes;
}

async function send(upload: Upload, offset: number): Promise<'done' | 'same'> {
	const {transport, known, options} = upload;
	const request = {...upload.request, offset};
	try {
		const {stdout, stderr, status} = await exec(transport, uploadWords('receive', request), {
			as: options.as,
			signal: options.signal,
			input: counted(upload, offset),
		});
		const answer = stdout.toString().trim();
		if (status.code === 0 && (answer === 'done' || answer === 'same')) return answer;
		if (answer === 'differs' || answer === 'short') {
			throw new HostError(
				transport.host,
				'ERR_CONTENT_DIGEST',
				`${showPath(request.path)} did not arrive as sha256:${known.hex.slice(0, 12)}: the source changed while it was sent`,
				{hint: 'Send it again.', details: {path: request.path}},
			);
		}
		throw fileError(transport.host, 'write', request.path, stderr.toString());
	} catch (error) {
		if (options.signal?.aborted === true) await discard(upload).catch(() => undefined);
		throw error;
	}
}

async function* counted({known, options, id}: Upload, offset: number): AsyncGenerator<Uint8Array> & Bytes {
	const report = progress(options, id, known.sizeBytes);
	let doneBytes = offset;
	for await (const chunk of known.read(offset)) {
		yield chunk;
		doneBytes += chunk.length;
		report(doneBytes);
	}
	emit(options, {type: 'blob.progress', id, doneBytes, totalBytes: known.sizeBytes});
}

async function discard({transport, request, options}: Upload): Promise<void> {
	await exec(transport, uploadWords('discard', request), {as: options.as, timeoutMs: cleanTimeoutMs});
}
