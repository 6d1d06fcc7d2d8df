import {mkdtemp, open, rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {createFileWriter, type FileWriter} from '../../core/file-writer.js';
import {withIo} from '../../core/io-error.js';
import {diskName} from '../../core/name.js';
import {type CompressionFormat, decompress, sniffCompression} from '../compress/decompress.js';
import type {EntryContent, LayerEntry} from '../entry.js';
import {isTarHeader} from './block.js';
import {blockBytes} from './header.js';
import {indexTar, readTar} from './read.js';

/**
 * Whether a file is a tar archive, plain or compressed, told by its content: the compression, or undefined. An empty
 * archive counts as none, and so does compressed data that cannot be read, as in other builders.
 * @throws SealError ERR_IO, ERR_PERMISSION; ERR_COMPRESSION when this machine lacks the program for the format
 */
export async function detectArchive(
	path: string,
	options: OperationOptions = {},
): Promise<CompressionFormat | undefined> {
	const raw = await firstBytes(readFileBytes(path));
	const format = sniffCompression(raw);
	if (format === 'none') return isTarHeader(raw) ? 'none' : undefined;
	try {
		const plain = await firstBytes(decompress(readFileBytes(path), {signal: options.signal}));
		return isTarHeader(plain) ? format : undefined;
	} catch (error) {
		if (error instanceof SealError && error.code === 'ERR_COMPRESSION' && error.hint === undefined) return undefined;
		throw error;
	}
}

export interface ReadArchiveOptions extends OperationOptions {
	/** The most bytes that all contents may have together (ERR_TAR_LIMIT). Default: no limit. */
	readonly limitBytes?: number | undefined;
	readonly limitEntries?: number | undefined;
}

/**
 * The entries of a local archive in archive order, with contents as `file`: at their place in the archive itself when
 * it is plain, else in a spool file made in `scratchDir` (the caller removes that folder).
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_COMPRESSION
 */
export async function readArchive(
	path: string,
	scratchDir: string,
	options: ReadArchiveOptions = {},
): Promise<LayerEntry[]> {
	const format = sniffCompression(await firstBytes(readFileBytes(path)));
	if (format !== 'none') return await spoolArchive(path, scratchDir, options);
	const {entries} = await indexTar(readFileBytes(path), options);
	if (entries.some(entry => entry.sparse !== undefined)) return await spoolArchive(path, scratchDir, options);
	checkTotal(entries, options.limitBytes);
	return entries.map(({header, offset}) =>
		header.type === 'file' && header.size > 0 ? {header, content: {kind: 'file', path, offset}} : {header},
	);
}

async function spoolArchive(path: string, scratchDir: string, options: ReadArchiveOptions): Promise<LayerEntry[]> {
	const folder = await withIo('make a scratch folder in', scratchDir, () => mkdtemp(join(scratchDir, 'archive-')));
	const spoolPath = join(folder, 'contents');
	try {
		const file = await withIo('write', spoolPath, () => open(spoolPath, 'wx', 0o600));
		try {
			return await spoolEntries(path, spoolPath, createFileWriter(file), options);
		} finally {
			await file.close();
		}
	} catch (error) {
		await rm(folder, {recursive: true, force: true});
		throw error;
	}
}

async function spoolEntries(
	path: string,
	spoolPath: string,
	writer: FileWriter,
	options: ReadArchiveOptions,
): Promise<LayerEntry[]> {
	const entries: LayerEntry[] = [];
	let offset = 0;
	for await (const {header, content} of readTar(decompress(readFileBytes(path), {signal: options.signal}), options)) {
		if (header.type !== 'file' || header.size === 0) {
			entries.push({header});
			continue;
		}
		checkTotal([{header: {size: offset + header.size}}], options.limitBytes);
		for await (const chunk of content) await withIo('write', spoolPath, () => writer.write(chunk));
		const place: EntryContent = {kind: 'file', path: spoolPath, offset};
		entries.push({header, content: place});
		offset += header.size;
	}
	await withIo('write', spoolPath, () => writer.flush());
	return entries;
}

function checkTotal(
	entries: ReadonlyArray<{readonly header: {readonly size: number}}>,
	limitBytes: number | undefined,
): void {
	if (limitBytes === undefined) return;
	const total = entries.reduce((sum, {header}) => sum + header.size, 0);
	if (total > limitBytes)
		throw new SealError('ERR_TAR_LIMIT', `The archive unpacks to more than the ${limitBytes} bytes allowed here`);
}

/** The first block of a stream, or less when it is shorter; the rest is not read. */
async function firstBytes(bytes: Bytes): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of bytes) {
		chunks.push(chunk);
		length += chunk.length;
		if (length >= blockBytes) break;
	}
	return Buffer.concat(chunks).subarray(0, blockBytes);
}

async function* readFileBytes(path: string): AsyncGenerator<Uint8Array> {
	const file = await withIo('open', path, () => open(diskName(path), 'r'));
	try {
		// Small first: often only the start is wanted.
		for (let size = 4096; ; size = 1024 * 1024) {
			const chunk = Buffer.allocUnsafeSlow(size);
			const {bytesRead} = await withIo('read', path, () => file.read(chunk, 0, size, null));
			if (bytesRead === 0) return;
			yield chunk.subarray(0, bytesRead);
		}
	} finally {
		await file.close();
	}
}
