/** Writing DER (X.690): every function gives one complete value, tag and length included. */

const universal = {
	boolean: 0x01,
	integer: 0x02,
	bitString: 0x03,
	octetString: 0x04,
	null: 0x05,
	objectIdentifier: 0x06,
	utf8String: 0x0c,
	sequence: 0x30,
	set: 0x31,
	printableString: 0x13,
	utcTime: 0x17,
	generalizedTime: 0x18,
} as const;

/** A value of any tag below 31. */
export function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
	const body = Buffer.concat(contents);
	return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

export function sequence(...values: readonly Uint8Array[]): Buffer {
	return value(universal.sequence, ...values);
}

/** DER orders the values of a SET OF by their bytes (X.690, 11.6). */
export function set(...values: readonly Uint8Array[]): Buffer {
	return value(universal.set, ...values.toSorted((a, b) => Buffer.compare(a, b)));
}

/** `[number]` around values: explicit tagging, and implicit tagging of what is itself a list. */
export function tagged(number: number, ...values: readonly Uint8Array[]): Buffer {
	return value(0xa0 | number, ...values);
}

/** `[number]` in place of a primitive value's own tag. */
export function taggedPrimitive(number: number, content: Uint8Array): Buffer {
	return value(0x80 | number, content);
}

/** @param bytes an unsigned number, most significant byte first */
export function unsignedInteger(bytes: Uint8Array): Buffer {
	const first = bytes.findIndex(byte => byte !== 0);
	const shortest = first === -1 ? Buffer.from([0]) : bytes.subarray(first);
	// A set first bit would make it negative.
	const sign = (shortest[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
	return value(universal.integer, sign, shortest);
}

/** @param number from 0 to 127 */
export function smallInteger(number: number): Buffer {
	return unsignedInteger(Uint8Array.of(number));
}

export function boolean(isTrue: boolean): Buffer {
	return value(universal.boolean, Uint8Array.of(isTrue ? 0xff : 0));
}

export function nothing(): Buffer {
	return value(universal.null);
}

export function octetString(content: Uint8Array): Buffer {
	return value(universal.octetString, content);
}

export function bitString(content: Uint8Array): Buffer {
	return value(universal.bitString, Uint8Array.of(0), content);
}

/** Bits by number, as in KeyUsage: DER leaves out the zeros at the end (X.690, 11.2.2). */
export function namedBits(...bits: readonly number[]): Buffer {
	const last = Math.max(...bits);
	const content = Buffer.alloc((last >> 3) + 1);
	for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
	return value(universal.bitString, Uint8Array.of(7 - (last & 7)), content);
}

/** @param dotted `2.5.29.17` */
export function objectIdentifier(dotted: string): Buffer {
	const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
	return value(universal.objectIdentifier, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A PrintableString where the characters allow it, as most programs write names; else UTF8String. */
export function text(characters: string): Buffer {
	const isPrintable = /^[A-Za-z0-9 '()+,./:=?-]+$/.test(characters);
	return value(isPrintable ? universal.printableString : universal.utf8String, Buffer.from(characters, 'utf8'));
}

/**
 * A point in time, to the second. RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; the two dates of one
 * certificate may differ in that.
 * @throws RangeError outside the years 1950 to 9999
 */
export function time(date: Date): Buffer {
	const year = date.getUTCFullYear();
	if (!(year >= 1950 && year <= 9999)) throw new RangeError(`A certificate cannot hold the year ${year}`);
	const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
	return year < 2050
		? value(universal.utcTime, Buffer.from(digits.slice(2), 'latin1'))
		: value(universal.generalizedTime, Buffer.from(digits, 'latin1'));
}

function lengthOf(length: number): Buffer {
	if (length < 0x80) return Buffer.from([length]);
	const bytes: number[] = [];
	for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
	return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(number: number): number[] {
	const digits = [number % 128];
	for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
		digits.unshift((rest % 128) | 0x80);
	return digits;
}
