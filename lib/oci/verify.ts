import {open} from 'node:fs/promises';
import type {Bytes} from '../core/bytes.js';
import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import {withIo} from '../core/io-error.js';
import type {FetchOptions} from './content.js';
import type {Descriptor} from './descriptor.js';
import {algorithmOf, createDigester, type Digest} from './digest.js';

const readBytes = 1024 * 1024;

/**
 * Passes a stream on while checking it against its descriptor; it fails as soon as there is too much, and at the end when
 * there is too little or the digest differs. A consumer that reaches the end has the right bytes. Ending it ends the
 * stream below, also before the first chunk.
 * @param where fits after "from": "the registry ghcr.io"
 * @throws SealError ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST
 */
export function verified(bytes: Bytes, descriptor: Descriptor, where: string, options: Abortable = {}): Bytes {
	return {
		[Symbol.asyncIterator]() {
			const source = bytes[Symbol.asyncIterator]();
			const digester = createDigester(algorithmOf(descriptor.digest));
			const check = (result: IteratorResult<Uint8Array, unknown>): IteratorResult<Uint8Array, undefined> => {
				options.signal?.throwIfAborted();
				if (result.done !== true) {
					digester.update(result.value);
					if (digester.sizeBytes > descriptor.size) throw wrongSize(descriptor, where, 'longer');
					return {done: false, value: result.value};
				}
				const {sizeBytes} = digester;
				if (sizeBytes < descriptor.size) throw wrongSize(descriptor, where, 'shorter', sizeBytes);
				checkDigest(descriptor, digester.finish(), where);
				return {done: true, value: undefined};
			};
			const end = async (): Promise<void> => void (await source.return?.());
			let over = false;
			return {
				async next() {
					if (over) return {done: true, value: undefined};
					try {
						const result = check(await source.next());
						over = result.done === true;
						return result;
					} catch (error) {
						over = true;
						await end().catch(() => undefined);
						throw error;
					}
				},
				async return() {
					over = true;
					await end();
					return {done: true, value: undefined};
				},
			};
		},
	};
}

/**
 * The content of a file, verified when read from its start. The file is opened when the first chunk is asked for, so a
 * stream that nobody reads holds nothing.
 */
export async function* readFileVerified(
	path: string,
	descriptor: Descriptor,
	where: string,
	options: FetchOptions & {readonly fileOffset?: number; readonly hint?: string} = {},
): AsyncGenerator<Uint8Array> {
	const {offset = 0, verify = true, reuse, fileOffset = 0, hint, signal} = options;
	const digester = offset === 0 && verify ? createDigester(algorithmOf(descriptor.digest)) : undefined;
	let done = offset;
	for await (const chunk of readFileRange(path, fileOffset + offset, descriptor.size - offset, {reuse, signal})) {
		digester?.update(chunk);
		done += chunk.length;
		if (done === descriptor.size && digester !== undefined) checkDigest(descriptor, digester.finish(), where, hint);
		yield chunk;
	}
	if (done < descriptor.size) throw wrongSize(descriptor, where, 'shorter', done);
	if (descriptor.size === 0 && digester !== undefined) checkDigest(descriptor, digester.finish(), where);
}

/** `sizeBytes` bytes of a file from `offset` on; fewer when the file ends before. `reuse` is as in FetchOptions. */
export async function* readFileRange(
	path: string,
	offset: number,
	sizeBytes: number,
	{reuse = false, signal}: Pick<FetchOptions, 'reuse' | 'signal'> = {},
): AsyncGenerator<Uint8Array> {
	const file = await withIo('read', path, () => open(path, 'r'));
	const memories: [Buffer?, Buffer?] = [];
	try {
		for (let done = 0, turn: 0 | 1 = 0; done < sizeBytes; turn = turn === 0 ? 1 : 0) {
			signal?.throwIfAborted();
			const length = Math.min(readBytes, sizeBytes - done);
			const memory = memories[turn] ?? Buffer.allocUnsafeSlow(length);
			if (reuse) memories[turn] = memory;
			const chunk = memory.length === length ? memory : memory.subarray(0, length);
			const position = offset + done;
			const {bytesRead} = await withIo('read', path, () => file.read(chunk, 0, chunk.length, position));
			if (bytesRead === 0) return;
			done += bytesRead;
			yield bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead);
		}
	} finally {
		await file.close();
	}
}

/** Ends a stream that will not be read, so that what feeds it is let go. */
export async function discard(bytes: Bytes): Promise<void> {
	await bytes[Symbol.asyncIterator]().return?.();
}

export function missingContent(descriptor: Descriptor, where: string, cause?: unknown): SealError {
	return new SealError('ERR_CONTENT_MISSING', `${descriptor.digest} (${descriptor.mediaType}) is not in ${where}`, {
		details: {digest: descriptor.digest, mediaType: descriptor.mediaType},
		cause,
	});
}

/** @throws SealError ERR_CONTENT_DIGEST */
export function checkDigest(descriptor: Descriptor, found: Digest, where: string, hint?: string): void {
	if (found === descriptor.digest) return;
	throw new SealError(
		'ERR_CONTENT_DIGEST',
		`Content from ${where} is wrong: expected ${descriptor.digest}, found ${found}`,
		{hint, details: {expected: descriptor.digest, found}},
	);
}

export function wrongSize(descriptor: Descriptor, where: string, how: 'longer' | 'shorter', found?: number): SealError {
	const size = found === undefined ? '' : `, found ${found}`;
	return new SealError(
		'ERR_CONTENT_SIZE',
		`Content from ${where} is ${how} than its descriptor says: ${descriptor.digest} has ${descriptor.size} bytes${size}`,
		{details: {digest: descriptor.digest, expected: descriptor.size, ...(found === undefined ? {} : {found})}},
	);
}
