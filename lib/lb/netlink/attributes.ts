import {malformed, padded} from './message.js';

/** linux/netlink.h, struct nlattr: length and type in 4 bytes, the value, padding to 4 bytes. */
export type Attributes = ReadonlyMap<number, Buffer>;

/** Type bits that are no part of the number: nested, and in network byte order. */
const typeMask = 0x3fff;
const nestedFlag = 0x8000;
const headerBytes = 4;

/** One attribute, padded. */
export function attribute(type: number, value: Uint8Array): Buffer {
	const encoded = Buffer.alloc(padded(headerBytes + value.length));
	encoded.writeUInt16LE(headerBytes + value.length, 0);
	encoded.writeUInt16LE(type, 2);
	encoded.set(value, headerBytes);
	return encoded;
}

export function nested(type: number, attributes: readonly Uint8Array[]): Buffer {
	return attribute(type | nestedFlag, Buffer.concat(attributes));
}

export function uint16(type: number, value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16LE(value, 0);
	return attribute(type, bytes);
}

/** Ports travel in network byte order. */
export function netUint16(type: number, value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16BE(value, 0);
	return attribute(type, bytes);
}

export function uint32(type: number, value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value >>> 0, 0);
	return attribute(type, bytes);
}

/** Netfilter speaks in network byte order. */
export function netUint32(type: number, value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value >>> 0, 0);
	return attribute(type, bytes);
}

/** A text with the zero byte that the kernel wants at its end. */
export function text(type: number, value: string): Buffer {
	return attribute(type, Buffer.from(`${value}\0`, 'latin1'));
}

/**
 * All attributes of a stretch, by type; of several of one type the last counts, as in the kernel (nla_parse).
 * @throws SealError ERR_NETLINK when lengths do not fit
 */
export function readAttributes(bytes: Buffer): Attributes {
	return new Map(listAttributes(bytes));
}

/** As `readAttributes`, for stretches that repeat a type. */
export function listAttributes(bytes: Buffer): readonly (readonly [number, Buffer])[] {
	const found: (readonly [number, Buffer])[] = [];
	for (let at = 0; bytes.length - at >= headerBytes; ) {
		const length = bytes.readUInt16LE(at);
		const left = bytes.length - at;
		if (length < headerBytes || length > left) throw malformed(`an attribute claims ${length} of ${left} bytes`);
		found.push([bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + headerBytes, at + length)]);
		at += padded(length);
	}
	return found;
}

/** @throws SealError ERR_NETLINK when it is absent or of another size */
export function readUint16(attributes: Attributes, type: number): number {
	return sized(attributes, type, 2).readUInt16LE(0);
}

export function readNetUint16(attributes: Attributes, type: number): number {
	return sized(attributes, type, 2).readUInt16BE(0);
}

export function readUint32(attributes: Attributes, type: number): number {
	return sized(attributes, type, 4).readUInt32LE(0);
}

export function readUint64(attributes: Attributes, type: number): bigint {
	return sized(attributes, type, 8).readBigUInt64LE(0);
}

/** Up to the first zero byte. */
export function readText(attributes: Attributes, type: number): string {
	const bytes = attributes.get(type) ?? Buffer.alloc(0);
	const end = bytes.indexOf(0);
	return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

export function sized(attributes: Attributes, type: number, sizeBytes: number): Buffer {
	const value = attributes.get(type);
	if (value === undefined) throw malformed(`attribute ${type} is missing`);
	if (value.length < sizeBytes) throw malformed(`attribute ${type} has ${value.length} bytes instead of ${sizeBytes}`);
	return value;
}
