import {createGunzip} from 'node:zlib';
import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {filterBytes} from './child.js';
import {throughTransform} from './transform.js';
import {decompressZstd} from './zstd.js';

export type CompressionFormat = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

export interface DecompressOptions extends Abortable {
	/** Refuse to give more than this. Default: no limit. */
	readonly limitBytes?: number | undefined;
	/** Refuse output that is more than this many times its input, once past 64 MiB. Default: no limit. */
	readonly limitRatio?: number | undefined;
}

const magics: ReadonlyArray<readonly [CompressionFormat, readonly number[]]> = [
	['gzip', [0x1f, 0x8b, 0x08]],
	['bzip2', [0x42, 0x5a, 0x68]],
	['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
	['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Tells the format by its magic; needs 6 bytes. */
export function sniffCompression(start: Uint8Array): CompressionFormat {
	const found = magics.find(([, magic]) => magic.every((value, i) => start[i] === value));
	// A zstd stream may begin with a skippable frame, whose magic has a free digit (RFC 8878, 3.1.2).
	if (found === undefined && ((start[0] ?? 0) & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d)
		return start[3] === 0x18 ? 'zstd' : 'none';
	return found?.[0] ?? 'none';
}

/**
 * The uncompressed bytes of a stream whose format is told by its first bytes; plain bytes pass through.
 * @throws SealError ERR_COMPRESSION when damaged or when this machine cannot read the format; ERR_TAR_LIMIT beyond a
 * limit
 */
export async function* decompress(bytes: Bytes, options: DecompressOptions = {}): AsyncGenerator<Uint8Array> {
	const source = bytes[Symbol.asyncIterator]();
	const counted = {sizeBytes: 0};
	const start = await readStart(source);
	try {
		const whole = resume(start, source, counted);
		const plain = decode(whole, sniffCompression(start), options);
		let sizeBytes = 0;
		for await (const chunk of plain) {
			sizeBytes += chunk.length;
			checkLimits(sizeBytes, counted.sizeBytes, options);
			yield chunk;
		}
	} finally {
		await source.return?.();
	}
}

function decode(bytes: Bytes, format: CompressionFormat, options: Abortable): Bytes {
	switch (format) {
		case 'none':
			return bytes;
		case 'gzip':
			return throughTransform(bytes, createGunzip({chunkSize: 1024 * 1024}), 'gzip', options);
		case 'zstd':
			return decompressZstd(bytes, options);
		case 'bzip2':
		case 'xz':
			return filterBytes(bytes, {command: format, args: ['-q', '-d', '-c']}, options);
	}
}

function checkLimits(sizeBytes: number, inputBytes: number, options: DecompressOptions): void {
	const {limitBytes, limitRatio} = options;
	if (limitBytes !== undefined && sizeBytes > limitBytes) {
		throw new SealError(
			'ERR_TAR_LIMIT',
			`The data is longer than the ${limitBytes} bytes allowed here when uncompressed`,
		);
	}
	if (limitRatio !== undefined && sizeBytes > 64 * 1024 * 1024 && sizeBytes > limitRatio * inputBytes) {
		throw new SealError('ERR_TAR_LIMIT', `The data grows more than ${limitRatio} times when uncompressed`);
	}
}

/** The first chunks joined until the magic can be told. */
async function readStart(source: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
	let start: Uint8Array = new Uint8Array(0);
	while (start.length < 6) {
		const next = await source.next();
		if (next.done === true) break;
		start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
	}
	return start;
}

async function* resume(
	start: Uint8Array,
	source: AsyncIterator<Uint8Array>,
	counted: {sizeBytes: number},
): AsyncGenerator<Uint8Array> {
	counted.sizeBytes = start.length;
	if (start.length > 0) yield start;
	for (let next = await source.next(); next.done !== true; next = await source.next()) {
		counted.sizeBytes += next.value.length;
		yield next.value;
	}
}
