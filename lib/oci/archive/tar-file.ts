import {type FileHandle, open, stat} from 'node:fs/promises';
import {join, posix} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {hasCode, SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ioError, withIo} from '../../core/io-error.js';
import {createTempDir, type TempDir} from '../../core/temp-dir.js';
import {decompress, sniffCompression} from '../compress/decompress.js';
import type {IndexedEntry} from '../layer/layer-index.js';
import {TarParser} from '../tar/parse.js';

/** A tar on disk with its table of contents: members are read at their place, nothing is unpacked. */
export interface TarFile {
	readonly path: string;
	/** Regular files by name, links already followed. The last of several members with one name counts, as in tar. */
	readonly members: ReadonlyMap<string, TarMember>;
	close(): Promise<void>;
}

export interface TarMember {
	readonly offset: number;
	readonly size: number;
}

export interface TarFileOptions extends Abortable {
	/** Where a compressed or streamed archive is spooled; removed by `close`. */
	readonly tempDir: string;
}

/** An image archive with more members than this is refused: real ones have a few per layer. */
const maxMembers = 200_000;
const maxLinks = 16;

/**
 * Opens an archive, compressed or not, from a file or from a stream such as stdin.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_COMPRESSION, ERR_IO
 */
export async function openTarFile(from: string | Bytes, options: TarFileOptions): Promise<TarFile> {
	let spool: TempDir | undefined;
	try {
		let path: string;
		if (typeof from === 'string' && (await isPlainFile(from))) path = from;
		else {
			spool = await createTempDir(options.tempDir, 'archive');
			path = join(spool.path, 'archive.tar');
			await spoolTo(path, typeof from === 'string' ? readAll(from) : from, options);
		}
		return {path, members: await readMembers(path, options), close: async () => await spool?.remove()};
	} catch (error) {
		await spool?.remove();
		throw typeof from === 'string' ? noArchive(error, from) : error;
	}
}

/** The parser does not know what it reads. */
function noArchive(error: unknown, path: string): unknown {
	if (!hasCode(error, 'ERR_TAR_FORMAT')) return error;
	const {message, hint, details, cause} = error as SealError;
	if (message.includes(path)) return error;
	return new SealError('ERR_TAR_FORMAT', `${path} is no archive, or a damaged one: ${message}`, {hint, details, cause});
}

/** False for compressed archives, and for pipes, where nothing can be looked up. */
async function isPlainFile(path: string): Promise<boolean> {
	return await withIo('read', path, async () => {
		// Opening a pipe to have a look would take it from the one who writes.
		const facts = await stat(path);
		if (facts.isFIFO() || facts.isCharacterDevice()) return false;
		const file = await open(path, 'r');
		try {
			const start = Buffer.alloc(6);
			const {bytesRead} = await file.read(start, 0, start.length, 0);
			if (bytesRead < start.length) throw new SealError('ERR_TAR_FORMAT', `${path} is no archive: it is too short`);
			return sniffCompression(start) === 'none';
		} finally {
			await file.close();
		}
	});
}

async function spoolTo(path: string, bytes: Bytes, {signal}: Abortable): Promise<void> {
	const file = await withIo('write', path, () => open(path, 'wx', 0o600));
	try {
		const writer = createFileWriter(file);
		for await (const chunk of decompress(bytes, {...(signal ? {signal} : {})})) {
			signal?.throwIfAborted();
			await withIo('write', path, () => writer.write(chunk));
		}
		await withIo('write', path, () => writer.flush());
	} finally {
		await file.close();
	}
}

async function* readAll(path: string): AsyncGenerator<Uint8Array> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, 'r');
		for (;;) {
			const chunk = Buffer.allocUnsafeSlow(1024 * 1024);
			const {bytesRead} = await file.read(chunk);
			if (bytesRead === 0) return;
			yield chunk.subarray(0, bytesRead);
		}
	} catch (error) {
		throw ioError(error, 'read', path);
	} finally {
		await file?.close();
	}
}

const zeros = Buffer.alloc(1024 * 1024);
const headerReadBytes = 32 * 1024;

/** Reads the headers only: the parser is given zeros for contents, which it does not look at. */
async function indexFile(path: string, signal: AbortSignal | undefined): Promise<readonly IndexedEntry[]> {
	const entries: IndexedEntry[] = [];
	let contentEnd = 0;
	const parser = new TarParser(
		{
			entry(entry, storedBytes) {
				entries.push(entry);
				contentEnd = entry.offset + storedBytes;
			},
		},
		{limitEntries: maxMembers},
	);
	const file = await withIo('read', path, () => open(path, 'r'));
	try {
		const {size} = await withIo('read', path, () => file.stat());
		const buffer = Buffer.allocUnsafeSlow(headerReadBytes);
		for (let position = 0; position < size; ) {
			signal?.throwIfAborted();
			const at = position;
			const {bytesRead} = await withIo('read', path, () => file.read(buffer, 0, buffer.length, at));
			if (bytesRead === 0) break;
			parser.push(buffer.subarray(0, bytesRead));
			position += bytesRead;
			for (const end = Math.min(contentEnd, size); position < end; ) {
				const skipped = Math.min(zeros.length, end - position);
				parser.push(zeros.subarray(0, skipped));
				position += skipped;
			}
		}
		parser.finish();
		return entries;
	} finally {
		await file.close();
	}
}

async function readMembers(path: string, {signal}: Abortable): Promise<ReadonlyMap<string, TarMember>> {
	const entries = await indexFile(path, signal);
	const files = new Map<string, TarMember>();
	const links = new Map<string, string>();
	for (const {header, offset, sparse} of entries) {
		files.delete(header.path);
		links.delete(header.path);
		if (header.type === 'file') {
			if (sparse !== undefined) throw new SealError('ERR_TAR_FORMAT', `${path} holds ${header.path} as a sparse file`);
			files.set(header.path, {offset, size: header.size});
		} else if (header.linkname !== undefined) {
			const base = header.type === 'symlink' ? posix.dirname(header.path) : '.';
			links.set(header.path, posix.normalize(posix.join(base, header.linkname)));
		}
	}
	for (const name of links.keys()) {
		const member = follow(name, files, links);
		if (member !== undefined) files.set(name, member);
	}
	return files;
}

/** docker wrote layers that several images share as links to one of them. Links out of the archive lead nowhere. */
function follow(
	name: string,
	files: ReadonlyMap<string, TarMember>,
	links: ReadonlyMap<string, string>,
): TarMember | undefined {
	let target: string | undefined = name;
	for (let i = 0; i < maxLinks && target !== undefined; i++) {
		const found = files.get(target);
		if (found !== undefined) return found;
		target = links.get(target);
	}
	return undefined;
}
