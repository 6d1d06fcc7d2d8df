import {isAscii, isUtf8} from 'node:buffer';

/**
 * A file name as a string that keeps every byte: UTF-8 where it is UTF-8, and each byte that is not as the lone
 * surrogate U+DC00 + byte (the convention of Python's `surrogateescape`). `encodeName` gives back the same bytes.
 */
export function decodeName(bytes: Uint8Array): string {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	if (isAscii(buffer)) return buffer.toString('latin1');
	if (isUtf8(buffer)) return buffer.toString('utf8');
	return decodeBroken(buffer);
}

/**
 * The bytes of a name that `decodeName` made. Surrogates that stand for no byte, which only a caller's own string can
 * hold, become U+FFFD as in every UTF-8 encoder.
 */
export function encodeName(name: string): Buffer {
	if (!/[\udc80-\udcff]/.test(name)) return Buffer.from(name, 'utf8');
	const parts: Buffer[] = [];
	let plain = '';
	for (const character of name) {
		const code = character.charCodeAt(0);
		if (character.length === 1 && code >= 0xdc80 && code <= 0xdcff) {
			parts.push(Buffer.from(plain, 'utf8'), Buffer.from([code - 0xdc00]));
			plain = '';
		} else {
			plain += character;
		}
	}
	parts.push(Buffer.from(plain, 'utf8'));
	return Buffer.concat(parts);
}

/** A path as the functions of node:fs want it: bytes where a name is not UTF-8. */
export function diskName(path: string): string | Buffer {
	return /[\udc80-\udcff]/.test(path) ? encodeName(path) : path;
}

/**
 * Orders paths by the raw bytes of their components, whatever the locale: a folder directly before what it holds, so
 * `a/b` before `a.b`. Negative, zero or positive as `Array.prototype.sort` wants it.
 */
export function compareNames(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const left = a.charCodeAt(i);
		const right = b.charCodeAt(i);
		if (left === right) continue;
		// Code points order as their UTF-8 bytes do; surrogates (pairs and escaped bytes) do not.
		if (isSurrogate(left) || isSurrogate(right)) return compareBytes(encodeName(a), encodeName(b));
		if (left === slash) return -1;
		if (right === slash) return 1;
		return left - right;
	}
	return a.length - b.length;
}

const slash = 0x2f;

function isSurrogate(code: number): boolean {
	return code >= 0xd800 && code <= 0xdfff;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const left = a[i] as number;
		const right = b[i] as number;
		if (left !== right) return left === slash ? -1 : right === slash ? 1 : left - right;
	}
	return a.length - b.length;
}

function decodeBroken(buffer: Buffer): string {
	let name = '';
	let at = 0;
	while (at < buffer.length) {
		const length = sequenceLength(buffer[at] as number);
		const sequence = buffer.subarray(at, at + length);
		if (sequence.length === length && isUtf8(sequence)) {
			name += sequence.toString('utf8');
			at += length;
		} else {
			name += String.fromCharCode(0xdc00 + (buffer[at] as number));
			at++;
		}
	}
	return name;
}

function sequenceLength(lead: number): number {
	if (lead < 0x80) return 1;
	if (lead < 0xe0) return 2;
	return lead < 0xf0 ? 3 : 4;
}
