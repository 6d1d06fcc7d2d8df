import {closeSync, constants, fstatSync, openSync, read, readSync} from 'node:fs';
import {assert, SealError, systemCode} from '../../core/errors.js';
import {ioError} from '../../core/io-error.js';
import {diskName} from '../../core/name.js';
import type {EntryContent, LayerEntry} from '../entry.js';
import {refused} from './entry.js';
import type {FillChunk, LayerStream} from './stream.js';

/**
 * From this size on files are read in the thread pool, when that is free: a small read costs less than the way there.
 */
const pooledBytes = 256 * 1024;

/**
 * Copies the content of an entry into a layer, large files through the thread pool where `poolReads` says that it has
 * nothing better to do.
 * @param onChunk sees every MiB of the content in order
 * @throws SealError ERR_LAYER_ENTRY when the content is not as long as the header says
 */
export async function putEntryContent(
	stream: LayerStream,
	entry: LayerEntry,
	options: {readonly poolReads: boolean},
	onChunk: ((chunk: Buffer, last: boolean) => void) | undefined,
): Promise<void> {
	const {header, content} = entry;
	if (content === undefined) return;
	const {size} = header;
	const seen = (chunk: Buffer, at: number): void => onChunk?.(chunk, at + chunk.length === size);
	switch (content.kind) {
		case 'bytes':
			if (content.bytes.length !== size)
				throw refused(header.path, `has ${content.bytes.length} bytes of content, its header says ${size}`);
			return stream.putContent(size, (chunk, at) => {
				chunk.set(content.bytes.subarray(at, at + chunk.length));
				seen(chunk, at);
				return undefined;
			});
		case 'file':
			return putFile(stream, entry, content, options.poolReads && size >= pooledBytes, seen);
		case 'layer':
			assert(false, `the content of ${header.path} is still in a layer`);
	}
}

type FileContent = Extract<EntryContent, {kind: 'file'}>;

async function putFile(
	stream: LayerStream,
	entry: LayerEntry,
	content: FileContent,
	pooled: boolean,
	seen: (chunk: Buffer, at: number) => void,
): Promise<void> {
	const {size} = entry.header;
	const start = content.offset ?? 0;
	let descriptor: number | undefined;
	try {
		descriptor = openSync(diskName(content.path), openFlags(content));
		const file = descriptor;
		if (content.inode !== undefined && fstatSync(file).ino !== content.inode) throw changed(entry, 'was replaced');
		const fill: FillChunk = (chunk, at) => {
			if (pooled) return readPooled(file, chunk, start + at, entry).then(() => seen(chunk, at));
			readWhole(file, chunk, start + at, entry);
			seen(chunk, at);
			return undefined;
		};
		await stream.putContent(size, fill);
		// A range of a larger file may go on behind its end; a file of its own may not.
		if (content.offset === undefined && readSync(file, probe, 0, 1, size) > 0) throw changed(entry, 'grew');
	} catch (error) {
		throw fileError(error, entry, content.path);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

const probe = Buffer.alloc(1);

/**
 * A file that was listed as a regular one may have been swapped since: a link is not followed, a pipe not waited for.
 */
function openFlags(content: FileContent): number {
	const {O_RDONLY, O_NOFOLLOW, O_NONBLOCK} = constants;
	return content.offset === undefined ? O_RDONLY | O_NOFOLLOW | O_NONBLOCK : O_RDONLY;
}

function readWhole(file: number, chunk: Buffer, position: number, entry: LayerEntry): void {
	for (let done = 0; done < chunk.length; ) {
		const length = readSync(file, chunk, done, chunk.length - done, position + done);
		if (length === 0) throw changed(entry, 'became shorter');
		done += length;
	}
}

async function readPooled(file: number, chunk: Buffer, position: number, entry: LayerEntry): Promise<void> {
	for (let done = 0; done < chunk.length; ) {
		const length = await new Promise<number>((resolve, reject) => {
			read(file, chunk, done, chunk.length - done, position + done, (error, bytes) =>
				error === null ? resolve(bytes) : reject(error),
			);
		});
		if (length === 0) throw changed(entry, 'became shorter');
		done += length;
	}
}

function changed(entry: LayerEntry, how: string): SealError {
	return refused(entry.header.path, `${how} while it was read, it had ${entry.header.size} bytes`);
}

function fileError(error: unknown, entry: LayerEntry, path: string): unknown {
	const code = systemCode(error);
	if (error instanceof SealError || code === undefined) return error;
	const name = entry.header.path;
	if (code === 'ENOENT' || code === 'ELOOP' || code === 'EISDIR' || code === 'ENXIO' || code === 'ENOTDIR')
		return refused(name, `is not the file any more that it was when it was listed (${path})`, error);
	return ioError(error, 'read', path);
}
