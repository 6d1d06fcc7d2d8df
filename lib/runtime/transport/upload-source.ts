import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {type Bytes, oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import type {Digest} from '../../oci/digest.js';

/** What a host gets: a file of this machine, bytes in memory, or anything that can be read from any byte on, more than once. */
export type UploadSource =
	| {readonly file: string; readonly digest?: Digest | undefined}
	| {readonly bytes: Uint8Array}
	| {
			readonly sizeBytes: number;
			readonly digest?: Digest | undefined;
			read(fromByte: number, options: Abortable): Bytes;
	  };

/** A source whose size and digest are known. */
export interface KnownSource {
	readonly sizeBytes: number;
	/** SHA-256, without the algorithm's name. */
	readonly hex: string;
	/** Permission bits, of a file. */
	readonly mode: number | undefined;
	read(fromByte: number): Bytes;
}

/**
 * Finds out size and digest. A digest that is not given costs one pass over the bytes: give it when one file goes to many hosts.
 * @throws SealError ERR_IO, ERR_PERMISSION, ERR_DIGEST_INVALID when the digest is no SHA-256
 */
export async function openSource(source: UploadSource, {signal}: Abortable): Promise<KnownSource> {
	const {sizeBytes, mode, digest, read} = await lookAt(source, signal);
	return {sizeBytes, mode, read, hex: digest === undefined ? await hashOf(read(0), signal) : hexOf(digest)};
}

async function lookAt(
	source: UploadSource,
	signal: AbortSignal | undefined,
): Promise<Omit<KnownSource, 'hex'> & {readonly digest: Digest | undefined}> {
	if ('bytes' in source) {
		const {bytes} = source;
		return {
			sizeBytes: bytes.length,
			mode: undefined,
			digest: undefined,
			read: from => oneChunk(bytes.subarray(from)),
		};
	}
	if ('read' in source) {
		const {sizeBytes, digest} = source;
		return {sizeBytes, mode: undefined, digest, read: from => source.read(from, {signal})};
	}
	const {file, digest} = source;
	const facts = await withIo('read', file, () => stat(file));
	if (!facts.isFile()) {
		throw new SealError('ERR_IO', `Cannot send ${file}: it is no regular file`, {
			hint: 'Name a file, or send the folder.',
		});
	}
	const read = (from: number): Bytes => createReadStream(file, {start: from, highWaterMark: readBytes, signal});
	return {sizeBytes: facts.size, mode: facts.mode & 0o777, digest, read};
}

const readBytes = 256 * 1024;

async function hashOf(bytes: Bytes, signal: AbortSignal | undefined): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of bytes) {
		signal?.throwIfAborted();
		hash.update(chunk);
	}
	return hash.digest('hex');
}

function hexOf(digest: Digest): string {
	const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
	if (hex === undefined)
		throw new SealError('ERR_DIGEST_INVALID', `A file is sent under its SHA-256 digest, not ${digest}`);
	return hex;
}
