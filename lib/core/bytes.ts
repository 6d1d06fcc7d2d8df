import {SealError} from './errors.js';

/** A stream of bytes. Any Node Readable is one. Chunks belong to the consumer once yielded. */
export type Bytes = AsyncIterable<Uint8Array>;

/** One chunk as a stream. */
export async function* oneChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
	if (chunk.length > 0) yield chunk;
}

/** A generator that was never started runs no `finally`: ending it must let go of the connection all the same. */
export function closable(generator: AsyncGenerator<Uint8Array>, close: () => Promise<void>): Bytes {
	return {
		[Symbol.asyncIterator]: () => ({
			next: () => generator.next(),
			async return() {
				await close();
				return await generator.return(undefined);
			},
		}),
	};
}

/**
 * The same stream with other errors. No generator: a stream passes several such layers, and each chunk would wait in each
 * of them.
 */
export function translateErrors(bytes: Bytes, translate: (error: unknown) => unknown): Bytes {
	const rethrow = (error: unknown): never => {
		throw translate(error);
	};
	return {
		[Symbol.asyncIterator]() {
			const source = bytes[Symbol.asyncIterator]();
			return {
				next: () => source.next().catch(rethrow),
				async return() {
					await source.return?.();
					return {done: true, value: undefined};
				},
			};
		},
	};
}

/**
 * Collects a stream into one Buffer.
 * @throws SealError ERR_CONTENT_SIZE when it is longer than `limitBytes`; the rest is not read.
 */
export async function collect(bytes: Bytes, limitBytes: number, what = 'Content'): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const chunk of bytes) {
		sizeBytes += chunk.length;
		if (sizeBytes > limitBytes) {
			throw new SealError('ERR_CONTENT_SIZE', `${what} is longer than the ${limitBytes} bytes allowed here`);
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks, sizeBytes);
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size for people, decimal units as docker prints them: "1.2 GB". */
export function formatBytes(sizeBytes: number): string {
	let value = sizeBytes;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}
