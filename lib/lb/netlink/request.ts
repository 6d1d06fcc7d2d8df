import {SealError} from '../../core/errors.js';
import {listAttributes} from './attributes.js';
import {errnoName} from './errno.js';
import {
	decodeMessages,
	encodeMessage,
	malformed,
	type NetlinkMessage,
	NLM_F_ACK,
	NLM_F_ACK_TLVS,
	NLM_F_CAPPED,
	NLM_F_DUMP,
	NLM_F_DUMP_INTR,
	NLM_F_REQUEST,
	NLMSG_DONE,
	NLMSG_ERROR,
	padded,
} from './message.js';
import type {NetlinkSocket} from './socket.js';

export interface NetlinkRequest {
	readonly type: number;
	readonly payload: Uint8Array;
	/** `dump`: many answers, ended by the kernel. `act`: none, but for the acknowledgement. */
	readonly kind: 'get' | 'dump' | 'act';
	/** Further flags, such as NLM_F_CREATE. */
	readonly flags?: number;
}

/** A kernel that changes its table faster than it is read makes a dump begin anew; more often than this it is a defect. */
const dumpAttempts = 10;

/** More answers than any table that we read has. */
const answerLimit = 1_000_000;

/** Speaks over one socket, one request after the other. */
export interface NetlinkConnection {
	/**
	 * The payloads of the answers.
	 * @throws KernelError when the kernel refuses; SealError ERR_NETLINK when its answer cannot be read
	 */
	request(request: NetlinkRequest): Buffer[];
	/**
	 * Sends messages as one datagram, which the kernel carries out whole or not at all when the first and the last say so (nfnetlink's batches).
	 * @param messages of which the one before the last is acknowledged
	 */
	batch(messages: readonly Pick<NetlinkRequest, 'type' | 'payload' | 'flags'>[]): void;
	close(): void;
}

/** The kernel's refusal: an errno by name, and what the kernel says about it in words where it does. */
export class KernelError extends SealError {
	readonly errno: string;

	constructor(errno: number, words: string | undefined) {
		const name = errnoName(errno);
		super('ERR_NETLINK', `The kernel refuses: ${name}${words === undefined ? '' : ` (${words})`}`, {
			...(name === 'EPERM' || name === 'EACCES' ? {hint: 'Run as root, or with CAP_NET_ADMIN.'} : {}),
			details: {errno: name},
		});
		this.errno = name;
	}
}

export function connectNetlink(socket: NetlinkSocket): NetlinkConnection {
	let sequence = 0;
	return {
		request(request) {
			for (let attempt = 1; ; attempt++) {
				sequence = (sequence + 1) >>> 0;
				socket.send(
					encodeMessage({
						type: request.type,
						// A dump is ended by NLMSG_DONE; everything else by the acknowledgement that is asked for.
						flags: NLM_F_REQUEST | (request.kind === 'dump' ? NLM_F_DUMP : NLM_F_ACK) | (request.flags ?? 0),
						sequence,
						payload: request.payload,
					}),
				);
				const {answers, isTorn} = readAnswers(socket, sequence);
				if (!isTorn) return answers;
				if (attempt === dumpAttempts)
					throw malformed(`the table changed in each of ${dumpAttempts} attempts to read it`);
			}
		},
		batch(messages) {
			const first = (sequence + 1) >>> 0;
			const acknowledged = messages.length - 2;
			const encoded = messages.map(({type, payload, flags = 0}, index) => {
				sequence = (sequence + 1) >>> 0;
				const asked = index === acknowledged ? NLM_F_ACK : 0;
				return encodeMessage({type, flags: NLM_F_REQUEST | asked | flags, sequence, payload});
			});
			socket.send(
				Buffer.concat(encoded.flatMap(message => [message, Buffer.alloc(padded(message.length) - message.length)])),
			);
			awaitBatch(socket, first, messages.length, acknowledged);
		},
		close: () => socket.close(),
	};
}

/** A refused message of a batch is answered whether or not it asked; what else the kernel says about the batch then is passed over later. */
function awaitBatch(socket: NetlinkSocket, first: number, count: number, acknowledged: number): void {
	for (;;) {
		for (const message of decodeMessages(socket.receive())) {
			const index = (message.sequence - first) >>> 0;
			if (message.type !== NLMSG_ERROR || index >= count) continue;
			const error = refusalOf(message);
			if (error !== undefined) throw error;
			if (index === acknowledged) return;
		}
	}
}

/** Reads up to the end of the answer. Messages of earlier requests, which an exception may have left behind, are passed over. */
function readAnswers(socket: NetlinkSocket, sequence: number): {readonly answers: Buffer[]; readonly isTorn: boolean} {
	const answers: Buffer[] = [];
	let isTorn = false;
	for (;;) {
		for (const message of decodeMessages(socket.receive())) {
			if (message.sequence !== sequence) continue;
			if ((message.flags & NLM_F_DUMP_INTR) !== 0) isTorn = true;
			if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
				const error = refusalOf(message);
				if (error !== undefined) throw error;
				return {answers, isTorn};
			}
			answers.push(message.payload);
			if (answers.length > answerLimit) throw malformed(`it has more than ${answerLimit} messages`);
		}
	}
}

/** NLMSG_ERROR with 0 is the acknowledgement; NLMSG_DONE may carry an errno too. */
function refusalOf({type, flags, payload}: NetlinkMessage): KernelError | undefined {
	if (payload.length < 4) {
		if (type === NLMSG_DONE) return undefined;
		throw malformed('an error message has no error');
	}
	const errno = -payload.readInt32LE(0);
	return errno === 0 ? undefined : new KernelError(errno, type === NLMSG_ERROR ? wordsOf(flags, payload) : undefined);
}

/** NLMSGERR_ATTR_MSG, behind the header of the refused request, and behind its payload unless that was left out. */
function wordsOf(flags: number, payload: Buffer): string | undefined {
	if ((flags & NLM_F_ACK_TLVS) === 0 || payload.length < 20) return undefined;
	const requestBytes = (flags & NLM_F_CAPPED) === 0 ? payload.readUInt32LE(4) : 16;
	const start = 4 + ((requestBytes + 3) & ~3);
	if (requestBytes < 16 || start > payload.length) return undefined;
	const words = listAttributes(payload.subarray(start)).find(([type]) => type === 1)?.[1];
	return words
		?.toString('latin1')
		.replace(/[^\x20-\x7e]/g, '')
		.slice(0, 200);
}
