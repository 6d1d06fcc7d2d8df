import {malformed} from '../netlink/message.js';
import {connectNetlink, type NetlinkConnection} from '../netlink/request.js';
import {NETLINK_NETFILTER, openNetlinkSocket} from '../netlink/socket.js';

// linux/netfilter/nfnetlink.h
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const headerBytes = 4;

export const subsystems = {conntrack: 1, ipset: 6, nftables: 10} as const;
export type Subsystem = keyof typeof subsystems;

/** A family of addresses as netfilter numbers it. */
export type NetfilterFamily = 2 | 10;

export interface NetfilterRequest {
	readonly command: number;
	/** NLM_F_CREATE and its like. */
	readonly flags?: number;
	readonly attributes: readonly Uint8Array[];
}

/** One subsystem of netfilter, spoken to about one family of addresses. */
export interface Netfilter {
	/** The attributes of each answer, still encoded. @throws KernelError, SealError ERR_NETLINK */
	call(kind: 'get' | 'dump' | 'act', request: NetfilterRequest): Buffer[];
	/** All or nothing; nobody sees a state in between. */
	commit(requests: readonly NetfilterRequest[]): void;
	close(): void;
}

/** Loads the module, when the kernel has one that is not loaded. @throws SealError ERR_NETLINK */
export async function openNetfilter(
	subsystem: Subsystem,
	family: NetfilterFamily,
	given?: NetlinkConnection,
): Promise<Netfilter> {
	const connection = given ?? connectNetlink(await openNetlinkSocket(NETLINK_NETFILTER));
	const number = subsystems[subsystem];
	const encode = ({command, flags, attributes}: NetfilterRequest) => ({
		type: (number << 8) | command,
		// struct nfgenmsg: family, version, resource in network byte order
		payload: Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]),
		...(flags === undefined ? {} : {flags}),
	});
	const frame = Buffer.from([0, 0, 0, number]);
	return {
		call: (kind, request) => connection.request({...encode(request), kind}).map(withoutHeader),
		commit(requests) {
			if (requests.length === 0) return;
			connection.batch([
				{type: BATCH_BEGIN, payload: frame},
				...requests.map(encode),
				{type: BATCH_END, payload: frame},
			]);
		},
		close: () => connection.close(),
	};
}

export function netfilterFamily(address: string): NetfilterFamily {
	return address.includes(':') ? 10 : 2;
}

function withoutHeader(answer: Buffer): Buffer {
	if (answer.length < headerBytes) throw malformed(`an answer of ${answer.length} bytes has no header`);
	return answer.subarray(headerBytes);
}
