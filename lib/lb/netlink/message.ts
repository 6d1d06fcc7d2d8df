import {SealError} from '../../core/errors.js';

/** linux/netlink.h: a message is a header of 16 bytes and a payload, padded to 4 bytes; numbers are in the machine's order, little-endian here. */
export interface NetlinkMessage {
	readonly type: number;
	readonly flags: number;
	readonly sequence: number;
	readonly payload: Buffer;
}

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
/** In an NLMSG_ERROR: the request's payload was left out, and attributes that explain follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

const headerBytes = 16;

export function encodeMessage({
	type,
	flags,
	sequence,
	payload,
}: Omit<NetlinkMessage, 'payload'> & {readonly payload: Uint8Array}): Buffer {
	const message = Buffer.alloc(headerBytes + payload.length);
	message.writeUInt32LE(message.length, 0);
	message.writeUInt16LE(type, 4);
	message.writeUInt16LE(flags, 6);
	message.writeUInt32LE(sequence, 8);
	message.set(payload, headerBytes);
	return message;
}

/**
 * The messages of one datagram. Lengths are checked against what there is: nothing is read beyond the end, and each step goes forward.
 * @throws SealError ERR_NETLINK
 */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
	const messages: NetlinkMessage[] = [];
	for (let at = 0; at < datagram.length; ) {
		const left = datagram.length - at;
		if (left < headerBytes) throw malformed(`${left} bytes are left where a header has ${headerBytes}`);
		const length = datagram.readUInt32LE(at);
		if (length < headerBytes || length > left) throw malformed(`a message claims ${length} of ${left} bytes`);
		messages.push({
			type: datagram.readUInt16LE(at + 4),
			flags: datagram.readUInt16LE(at + 6),
			sequence: datagram.readUInt32LE(at + 8),
			payload: datagram.subarray(at + headerBytes, at + length),
		});
		at += padded(length);
	}
	return messages;
}

/** Lengths are rounded up to 4 (NLMSG_ALIGN, NLA_ALIGN). */
export function padded(length: number): number {
	return (length + 3) & ~3;
}

export function malformed(why: string): SealError {
	return new SealError('ERR_NETLINK', `The kernel's answer cannot be read: ${why}`);
}
