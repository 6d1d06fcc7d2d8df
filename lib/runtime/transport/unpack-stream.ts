import {chmod, type FileHandle, link, lutimes, mkdir, open, symlink, utimes} from 'node:fs/promises';
import {dirname} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ioError} from '../../core/io-error.js';
import {diskPath, parentOf} from '../../oci/disk/path.js';
import type {EntryHeader} from '../../oci/entry.js';
import {readTar, type TarEntry} from '../../oci/tar/read.js';

export interface UnpackStreamOptions extends Abortable {
	readonly onBytes?: (count: number) => void;
	/** More bytes of contents than this are refused. */
	readonly maxBytes?: number | undefined;
}

/**
 * Unpacks a tar that a host made into a new, empty folder of ours. The host is not trusted: names stay below the folder, no link is
 * followed (symbolic links are made last), no name comes twice, nobody gets owners, devices or set-user-id bits, and names
 * of links only lead to files of this archive.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_CONTENT_SIZE, ERR_NO_SPACE, ERR_IO
 */
export async function unpackStream(
	tar: Bytes,
	root: string,
	options: UnpackStreamOptions = {},
): Promise<{readonly entries: number; readonly sizeBytes: number}> {
	const folders = new Map<string, EntryHeader | undefined>([['', undefined]]);
	const files = new Set<string>();
	const symlinks = new Map<string, EntryHeader>();
	let sizeBytes = 0;
	const enter = async (path: string): Promise<void> => {
		if (folders.has(path)) return;
		if (files.has(path) || symlinks.has(path)) throw refused(path, 'is a folder and something else at once');
		await enter(parentOf(path));
		await mkdir(diskPath(root, path), {mode: 0o700});
		folders.set(path, undefined);
	};
	const place = async (entry: TarEntry): Promise<void> => {
		const {header} = entry;
		const {path} = header;
		if (header.type === 'directory') {
			await enter(path);
			folders.set(path, header);
			return;
		}
		if (files.has(path) || symlinks.has(path) || folders.has(path)) throw refused(path, 'comes twice');
		await enter(parentOf(path));
		if (header.type === 'symlink') symlinks.set(path, header);
		else if (header.type === 'hardlink') {
			const first = header.linkname ?? '';
			if (!files.has(first)) throw refused(path, 'is a link to a file that is not in the archive');
			await link(diskPath(root, first), diskPath(root, path));
			files.add(path);
		} else if (header.type === 'file') {
			sizeBytes += header.size;
			if (sizeBytes > (options.maxBytes ?? Number.MAX_SAFE_INTEGER)) {
				throw new SealError(
					'ERR_CONTENT_SIZE',
					`The archive holds more than the ${options.maxBytes} bytes allowed here`,
				);
			}
			await writeFile(entry, diskPath(root, path), options);
			files.add(path);
		} else {
			throw refused(path, 'is a device or FIFO');
		}
	};
	try {
		for await (const entry of readTar(tar, options)) await place(entry);
		for (const header of symlinks.values()) await makeSymlink(root, header);
		// Children first: what is in a folder changes its time, and its mode may shut us out.
		for (const [path, header] of [...folders].toReversed()) if (header !== undefined) await settle(root, path, header);
	} catch (error) {
		throw ioError(error, 'write to', root);
	}
	return {entries: folders.size - 1 + files.size + symlinks.size, sizeBytes};
}

async function writeFile(entry: TarEntry, path: string | Buffer, options: UnpackStreamOptions): Promise<void> {
	const {header} = entry;
	let file: FileHandle | undefined;
	try {
		file = await open(path, 'wx', 0o600);
		const writer = createFileWriter(file);
		for await (const chunk of entry.content) {
			await writer.write(chunk);
			options.onBytes?.(chunk.length);
		}
		await writer.flush();
		await file.chmod(header.mode & 0o777);
		await file.utimes(header.mtime, header.mtime);
	} finally {
		await file?.close();
	}
}

async function makeSymlink(root: string, header: EntryHeader): Promise<void> {
	const path = diskPath(root, header.path);
	await symlink(header.linkname ?? '', path);
	await lutimes(path, header.mtime, header.mtime);
}

async function settle(root: string, path: string, header: EntryHeader): Promise<void> {
	const folder = diskPath(root, path);
	await chmod(folder, header.mode & 0o777);
	await utimes(folder, header.mtime, header.mtime);
}

function refused(path: string, why: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive of the host is refused: ${JSON.stringify(path)} ${why}`, {
		details: {path, folder: dirname(path)},
	});
}
