import {encodeName} from '../../core/name.js';
import type {EntryHeader, EntryType} from '../entry.js';

export const blockBytes = 512;

/** The type flags of USTAR entries, and that of the PAX records before one. */
export const flags = {
	file: 0x30,
	hardlink: 0x31,
	symlink: 0x32,
	character: 0x33,
	block: 0x34,
	directory: 0x35,
	fifo: 0x36,
	pax: 0x78,
} as const satisfies Record<EntryType | 'pax', number>;

/** The largest numbers that the fields of a USTAR header hold: 7 and 11 octal digits. */
export const maxId = 0o7777777;
export const maxOctal11 = 0o77777777777;

/**
 * Writes one USTAR header of 512 bytes at `at`. Fields that do not fit are written as 0 or cut: the PAX records of the
 * entry (see `paxRecords`) replace them for every reader that matters.
 */
export function writeHeader(target: Buffer, at: number, header: EntryHeader): void {
	target.fill(0, at, at + blockBytes);
	const path = tarName(header);
	if (!writePath(target, at, path)) writeAsciiCut(target, at, path);
	const {linkname} = header;
	if (linkname !== undefined && linkname.length <= 100 && !writeAscii(target, at + 157, linkname, 0, linkname.length))
		target.fill(0, at + 157, at + 257);
	const device = header.type === 'character' || header.type === 'block';
	finishHeader(target, at, flags[header.type], {
		mode: header.mode & 0o7777,
		uid: header.uid > maxId ? 0 : header.uid,
		gid: header.gid > maxId ? 0 : header.gid,
		size: header.size > maxOctal11 ? 0 : header.size,
		mtime: header.mtime < 0 || header.mtime > maxOctal11 ? 0 : header.mtime,
		devmajor: device ? (header.devmajor ?? 0) : 0,
		devminor: device ? (header.devminor ?? 0) : 0,
	});
}

/**
 * Writes the header of a block of PAX records at `at`. Its name is for people only: readers that know PAX ignore it.
 */
export function writePaxHeader(target: Buffer, at: number, header: EntryHeader, sizeBytes: number): void {
	target.fill(0, at, at + blockBytes);
	const base = header.path.slice(header.path.lastIndexOf('/') + 1);
	writeAsciiCut(target, at, `PaxHeaders.0/${base}`);
	finishHeader(target, at, flags.pax, {mode: 0, uid: 0, gid: 0, size: sizeBytes, mtime: 0, devmajor: 0, devminor: 0});
}

/** The name as it stands in an archive: directories end with a slash, the root is `./`. */
export function tarName(header: EntryHeader): string {
	if (header.path === '') return './';
	return header.type === 'directory' ? `${header.path}/` : header.path;
}

/** Whether a name fits the two name fields of USTAR as it is. */
export function fitsUstar(path: string): boolean {
	return isPlain(path) && (path.length <= 100 || splitAt(path) > 0);
}

/** Whether a text is ASCII without NUL, so that its length is its number of bytes. */
export function isPlain(text: string): boolean {
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code === 0 || code >= 0x80) return false;
	}
	return true;
}

/** The numbers of a header block. */
export interface HeaderNumbers {
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	/** Bytes that follow, for the types that have any. */
	readonly size: number;
	readonly mtime: number;
	readonly devmajor: number;
	readonly devminor: number;
}

function finishHeader(target: Buffer, at: number, flag: number, numbers: HeaderNumbers): void {
	writeOctal(target, at + 100, 7, numbers.mode);
	writeOctal(target, at + 108, 7, numbers.uid);
	writeOctal(target, at + 116, 7, numbers.gid);
	writeOctal(target, at + 124, 11, numbers.size);
	writeOctal(target, at + 136, 11, numbers.mtime);
	target[at + 156] = flag;
	// "ustar", NUL, version "00"
	target[at + 257] = 0x75;
	target[at + 258] = 0x73;
	target[at + 259] = 0x74;
	target[at + 260] = 0x61;
	target[at + 261] = 0x72;
	target[at + 263] = 0x30;
	target[at + 264] = 0x30;
	writeOctal(target, at + 329, 7, numbers.devmajor);
	writeOctal(target, at + 337, 7, numbers.devminor);
	let sum = 8 * 0x20;
	for (let i = at; i < at + blockBytes; i++) sum += target[i] as number;
	writeOctal(target, at + 148, 6, sum);
	target[at + 155] = 0x20;
}

/** `digits` octal digits; the byte after them stays the NUL that it is. */
function writeOctal(target: Buffer, at: number, digits: number, value: number): void {
	let rest = value;
	for (let i = at + digits - 1; i >= at; i--) {
		const next = Math.floor(rest / 8);
		target[i] = 0x30 + (rest - next * 8);
		rest = next;
	}
}

function writePath(target: Buffer, at: number, path: string): boolean {
	if (path.length <= 100) return writeAscii(target, at, path, 0, path.length);
	const cut = splitAt(path);
	if (cut <= 0 || !isPlain(path)) return false;
	writeAscii(target, at + 345, path, 0, cut);
	writeAscii(target, at, path, cut + 1, path.length);
	return true;
}

/** The slash at which a long name splits into at most 155 and 100 characters, or 0. */
function splitAt(path: string): number {
	if (path.length > 256) return 0;
	const cut = path.lastIndexOf('/', 155);
	const rest = path.length - cut - 1;
	return cut > 0 && rest > 0 && rest <= 100 ? cut : 0;
}

/** Writes a part of a text that fits; false when there is something else than ASCII in it. */
function writeAscii(target: Buffer, at: number, text: string, from: number, to: number): boolean {
	for (let i = from; i < to; i++) {
		const code = text.charCodeAt(i);
		if (code === 0 || code >= 0x80) return false;
		target[at + i - from] = code;
	}
	return true;
}

/** What of a name can be shown to a reader that does not know PAX. */
function writeAsciiCut(target: Buffer, at: number, text: string): void {
	target.fill(0, at, at + 100);
	encodeName(text.replace(/[^\x01-\x7f]/g, ''))
		.subarray(0, 100)
		.copy(target, at);
}
