import {type FileHandle, open} from 'node:fs/promises';
import {SealError} from '../../../core/errors.js';

/**
 * Cuts off everything of a 64-bit little-endian ELF program that no segment loads: symbols and debugging tables, a seventh of Node. The
 * program runs as before (elf(5): the section header table is for linkers and debuggers).
 * @throws SealError ERR_AGENT_BUNDLE when the file is no such program
 */
export async function trimElf(path: string): Promise<void> {
	const file = await open(path, 'r+');
	try {
		const header = await readAt(file, 0, 64, path);
		if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw notElf(path);
		const [at, size, count] = [header.readBigUInt64LE(32), header.readUInt16LE(54), header.readUInt16LE(56)];
		if (size < 56 || count === 0 || at > 0xffff_ffffn) throw notElf(path);
		const segments = await readAt(file, Number(at), size * count, path);
		let end = at + BigInt(segments.length);
		for (let i = 0; i < count; i++) {
			const last = segments.readBigUInt64LE(i * size + 8) + segments.readBigUInt64LE(i * size + 32);
			if (last > end) end = last;
		}
		if (end > BigInt((await file.stat()).size)) throw notElf(path);
		await file.truncate(Number(end));
		// e_shoff, then e_shnum and e_shstrndx: there are no sections any more.
		await file.write(Buffer.alloc(8), 0, 8, 40);
		await file.write(Buffer.alloc(4), 0, 4, 60);
	} finally {
		await file.close();
	}
}

async function readAt(file: FileHandle, at: number, length: number, path: string): Promise<Buffer> {
	const {buffer, bytesRead} = await file.read(Buffer.alloc(length), 0, length, at);
	if (bytesRead < length) throw notElf(path);
	return buffer;
}

function notElf(path: string): SealError {
	return new SealError('ERR_AGENT_BUNDLE', `${path} is no 64-bit ELF program`);
}
