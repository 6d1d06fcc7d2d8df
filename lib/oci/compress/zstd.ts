import * as zlib from 'node:zlib';
import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import {filterBytes, startFilter} from './child.js';
import {type Encoder, type EncoderOutput, ignore} from './encoder.js';
import {throughTransform} from './transform.js';
import {createTurns} from './turns.js';
import {zstdFrames} from './zstd-frames.js';

/** What Node has from 22.15 on; its types are those of Node 20. */
interface ZstdOfNode {
	readonly zstdCompress?: (
		bytes: Uint8Array,
		options: object,
		done: (error: Error | null, result: Buffer) => void,
	) => void;
	readonly createZstdDecompress?: (options: object) => zlib.Gunzip;
	readonly constants: {readonly ZSTD_c_compressionLevel?: number};
}

const native = zlib as unknown as ZstdOfNode;

/** Zstandard: by Node where it can, else by the `zstd` program. */
export function createZstdEncoder(level: number, output: EncoderOutput, options: Abortable): Encoder {
	return native.zstdCompress === undefined
		? createProgramEncoder(level, output, options)
		: createNativeEncoder(native.zstdCompress, level, output);
}

/** Zstandard to plain bytes. @throws SealError ERR_COMPRESSION when neither Node nor a `zstd` program can */
export function decompressZstd(bytes: Bytes, options: Abortable): AsyncGenerator<Uint8Array> {
	const {createZstdDecompress} = native;
	return createZstdDecompress === undefined
		? filterBytes(bytes, {command: 'zstd', args: ['-q', '-d', '-c']}, options)
		: decompressFrames(bytes, createZstdDecompress, options);
}

async function* decompressFrames(
	bytes: Bytes,
	create: NonNullable<ZstdOfNode['createZstdDecompress']>,
	options: Abortable,
): AsyncGenerator<Uint8Array> {
	for await (const frame of zstdFrames(bytes)) {
		yield* throughTransform(frame, create({chunkSize: 256 * 1024}), 'zstd', options);
	}
}

/**
 * One frame per block: frames follow each other in a zstd stream (RFC 8878, 3), and so blocks compress side by side.
 */
function createNativeEncoder(
	compress: NonNullable<ZstdOfNode['zstdCompress']>,
	level: number,
	output: EncoderOutput,
): Encoder {
	const params = {[native.constants.ZSTD_c_compressionLevel ?? 100]: level};
	const turns = createTurns(output);
	return {
		push(block) {
			const job = new Promise<Buffer>((resolve, reject) => {
				compress(block, {params}, (error, result) => (error === null ? resolve(result) : reject(error)));
			});
			return turns.take(job);
		},
		finish: () => turns.done,
		abort: () => turns.done.catch(ignore),
	};
}

/** The program's own threads do the work; its output does not depend on their number. */
function createProgramEncoder(level: number, output: EncoderOutput, options: Abortable): Encoder {
	const {child, ended} = startFilter({command: 'zstd', args: ['-q', '-c', `-${level}`, '-T0']}, options);
	child.stdin.on('error', ignore);
	const draining = (async () => {
		for await (const chunk of child.stdout) await output(chunk as Uint8Array);
		await ended;
	})();
	draining.catch(() => child.kill('SIGKILL'));
	return {
		push(block) {
			const written = new Promise<void>((resolve, reject) => {
				child.stdin.write(block, error => (error == null ? resolve() : reject(error)));
			}).catch(async (error: unknown) => {
				await draining;
				throw error;
			});
			written.catch(ignore);
			return written;
		},
		async finish() {
			child.stdin.end();
			await draining;
		},
		async abort() {
			child.kill('SIGKILL');
			await draining.catch(ignore);
		},
	};
}
