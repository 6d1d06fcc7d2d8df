import {constants} from 'node:fs';
import {open} from 'node:fs/promises';
import {posix} from 'node:path';
import {diskName} from '../../core/name.js';
import type {EntryContent} from '../../oci/entry.js';
import {type TreeFile, type TreeFiles, tooLong} from '../../oci/tree/files.js';
import type {FileSource, SourceNode} from '../context/file-source.js';

/** The files of a build context, for looking at a cluster image before it is built. */
export function sourceFiles(source: FileSource): TreeFiles {
	return {
		async list(folder) {
			const node = source.lookup(folder);
			if (node?.header.type !== 'directory') return [];
			const files: TreeFile[] = [];
			collectFiles(source, folder, files);
			return files;
		},
		async *read(paths, {limitBytes = 16 * 1024 * 1024, signal} = {}) {
			for (const path of paths) {
				signal?.throwIfAborted();
				const node = source.lookup(path);
				const file = node === undefined ? undefined : fileAt(source, node);
				if (file === undefined) continue;
				if (file.header.size > limitBytes) throw tooLong(path, limitBytes);
				yield {path, bytes: await readContent(file.content, file.header.size)};
			}
		},
	};
}

function collectFiles(source: FileSource, folder: string, files: TreeFile[]): void {
	for (const node of source.list(folder)) {
		const {path, type} = node.header;
		if (type === 'directory') collectFiles(source, path, files);
		else {
			const file = fileAt(source, node);
			if (file !== undefined) files.push({path, sizeBytes: file.header.size, mode: file.header.mode});
		}
	}
}

/** The regular file that a node is or, over a few links, leads to inside the source. */
function fileAt(source: FileSource, node: SourceNode): SourceNode | undefined {
	let current: SourceNode | undefined = node;
	for (let hops = 0; current?.header.type === 'symlink' && hops < 8; hops++) {
		const target: string = posix.join('/', posix.dirname(current.header.path), current.header.linkname ?? '');
		current = current.header.linkname?.startsWith('/') ? undefined : source.lookup(target.slice(1));
	}
	return current?.header.type === 'file' || current?.header.type === 'hardlink' ? current : undefined;
}

async function readContent(content: EntryContent | undefined, sizeBytes: number): Promise<Uint8Array> {
	if (content === undefined) return new Uint8Array();
	if (content.kind === 'bytes') return content.bytes;
	if (content.kind === 'layer') throw new TypeError('A build context holds files, not layers');
	// The entry was a file when it was listed; a link put there since is not followed.
	const file = await open(diskName(content.path), constants.O_RDONLY | constants.O_NOFOLLOW);
	try {
		const buffer = Buffer.alloc(sizeBytes);
		const {bytesRead} = await file.read(buffer, 0, sizeBytes, content.offset ?? 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}
