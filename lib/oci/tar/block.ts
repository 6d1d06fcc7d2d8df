import {SealError} from '../../core/errors.js';
import {decodeName} from '../../core/name.js';
import {blockBytes, type HeaderNumbers} from './header.js';

/** The fields of one header block as they stand there; PAX records and GNU long names come on top. */
export interface RawHeader extends HeaderNumbers {
	readonly flag: number;
	readonly name: string;
	readonly linkname: string;
}

/**
 * Reads one header block of any dialect (V7, USTAR, GNU, star), or tells that it is all zeros.
 * @throws SealError ERR_TAR_FORMAT
 */
export function readBlock(block: Buffer): RawHeader | 'zeros' {
	const sums = checksums(block);
	if (sums.total === 0) return 'zeros';
	if (!matches(block, sums)) {
		throw new SealError('ERR_TAR_FORMAT', 'The archive has a header with a wrong checksum', {
			hint: 'Check that the file is a tar archive and that it is complete.',
		});
	}
	const posix = block.toString('latin1', 257, 263) === 'ustar\0';
	const gnu = block.toString('latin1', 257, 265) === 'ustar  \0';
	const name = text(block, 0, 100);
	const prefix = posix ? text(block, 345, 500) : '';
	return {
		flag: block[156] as number,
		name: prefix === '' ? name : `${prefix}/${name}`,
		linkname: text(block, 157, 257),
		mode: readNumber(block, 100, 8, 'mode') & 0o7777,
		uid: readNumber(block, 108, 8, 'uid'),
		gid: readNumber(block, 116, 8, 'gid'),
		size: readNumber(block, 124, 12, 'size'),
		mtime: readNumber(block, 136, 12, 'mtime'),
		devmajor: posix || gnu ? readNumber(block, 329, 8, 'devmajor') : 0,
		devminor: posix || gnu ? readNumber(block, 337, 8, 'devminor') : 0,
	};
}

/** Whether a 512-byte block is the header of an archive (by its checksum): tells archives from other files. */
export function isTarHeader(block: Uint8Array): boolean {
	if (block.length < blockBytes) return false;
	const buffer = Buffer.from(block.buffer, block.byteOffset, blockBytes);
	const sums = checksums(buffer);
	return sums.total !== 0 && matches(buffer, sums);
}

/**
 * A number in octal digits among spaces and NULs, or in GNU's base-256 form.
 * @throws SealError ERR_TAR_FORMAT when it is neither, or too large to count with
 */
export function readNumber(block: Buffer, at: number, length: number, field: string): number {
	if ((block[at] as number) >= 0x80) return readBinary(block, at, length, field);
	let i = at;
	const end = at + length;
	while (i < end && (block[i] === 0x20 || block[i] === 0)) i++;
	let value = 0;
	for (; i < end; i++) {
		const digit = (block[i] as number) - 0x30;
		if (digit < 0 || digit > 7) break;
		value = value * 8 + digit;
	}
	if (i < end && block[i] !== 0x20 && block[i] !== 0) throw badNumber(field);
	return value;
}

/** Base-256: the highest bit marks it, the next is the sign of a two's complement number. */
function readBinary(block: Buffer, at: number, length: number, field: string): number {
	const negative = ((block[at] as number) & 0x40) !== 0;
	const flip = negative ? 0xff : 0;
	let value = ((block[at] as number) ^ flip) & 0x3f;
	for (let i = at + 1; i < at + length; i++) {
		value = value * 256 + ((block[i] as number) ^ flip);
		if (value > Number.MAX_SAFE_INTEGER) throw badNumber(field);
	}
	return negative ? -value - 1 : value;
}

function text(block: Buffer, from: number, to: number): string {
	let end = from;
	while (end < to && block[end] !== 0) end++;
	return end === from ? '' : decodeName(block.subarray(from, end));
}

interface Checksums {
	/** Of all bytes as they are. */
	readonly total: number;
	readonly unsigned: number;
	readonly signed: number;
}

/** Old tars summed signed characters; the checksum field itself counts as spaces. */
function checksums(block: Buffer): Checksums {
	let total = 0;
	let high = 0;
	for (let i = 0; i < blockBytes; i++) {
		const value = block[i] as number;
		total += value;
		if (value >= 0x80) high++;
	}
	let field = 0;
	let highInField = 0;
	for (let i = 148; i < 156; i++) {
		const value = block[i] as number;
		field += value;
		if (value >= 0x80) highInField++;
	}
	const unsigned = total - field + 8 * 0x20;
	return {total, unsigned, signed: unsigned - 256 * (high - highInField)};
}

function matches(block: Buffer, sums: Checksums): boolean {
	const match = /^[ \0]*([0-7]{1,8})(?:[ \0]|$)/.exec(block.toString('latin1', 148, 156));
	if (match === null) return false;
	const stored = Number.parseInt(match[1] as string, 8);
	return stored === sums.unsigned || stored === sums.signed;
}

function badNumber(field: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive has a header whose ${field} is no number that tar allows`);
}
