import {addressBytes, addressText} from '../../core/ip-address.js';
import {attribute, nested, netUint16, readAttributes, uint32} from '../netlink/attributes.js';
import {KernelError} from '../netlink/request.js';
import type {Member} from '../spec.js';
import type {Netfilter} from './connection.js';

// linux/netfilter/nfnetlink_conntrack.h
const GET = 1;
const DELETE = 2;
const TUPLE_ORIGINAL = 1;
const TUPLE_REPLY = 2;
const PROTOCOL_INFO = 4;
const ID = 12;
const ZONE = 18;
const FILTER = 25;
const IPPROTO_TCP = 6;
const TCP_ESTABLISHED = 3;
/** By protocol and destination port, and by destination address (nf_internals.h, CTA_FILTER_F_*). */
const byPort = 0x8 | 0x20;
const byAddress = 0x2;

/** A connection that conntrack knows. */
export interface Tracked {
	/** Who it really goes to. */
	readonly member: Member;
	/** Not on its way out yet. */
	readonly isActive: boolean;
	/** What names it to the kernel. */
	readonly name: readonly Uint8Array[];
}

/** Connections that were begun to an address and port. Kernels from 5.8 on look for them themselves; older ones tell all they know. @throws KernelError, SealError ERR_NETLINK */
export function connectionsTo(conntrack: Netfilter, endpoint: Member): readonly Tracked[] {
	const wanted = tupleTo(endpoint);
	// Kernels with this filter take IPv6 addresses the wrong way round: those that are equal are left out. So there it is for us to compare.
	const flags = endpoint.address.includes(':') ? byPort : byPort | byAddress;
	const filter = nested(FILTER, [uint32(1, flags), uint32(2, 0)]);
	return dump(conntrack, [wanted, filter]).flatMap(answer => readTracked(answer, endpoint));
}

/** One that is gone by now is no failure. @throws KernelError */
export function endConnection(conntrack: Netfilter, {name}: Tracked): void {
	try {
		conntrack.call('act', {command: DELETE, attributes: name});
	} catch (error) {
		if (!(error instanceof KernelError) || error.errno !== 'ENOENT') throw error;
	}
}

function dump(conntrack: Netfilter, filter: readonly Uint8Array[]): Buffer[] {
	try {
		return conntrack.call('dump', {command: GET, attributes: filter});
	} catch (error) {
		if (!(error instanceof KernelError) || !['EINVAL', 'EOPNOTSUPP'].includes(error.errno)) throw error;
		return conntrack.call('dump', {command: GET, attributes: []});
	}
}

function tupleTo({address, port}: Member): Buffer {
	const destination = address.includes(':') ? 4 : 2;
	return nested(TUPLE_ORIGINAL, [
		nested(1, [attribute(destination, addressBytes(address))]),
		nested(2, [attribute(1, Buffer.from([IPPROTO_TCP])), netUint16(3, port)]),
	]);
}

function readTracked(answer: Buffer, endpoint: Member): Tracked[] {
	const attributes = readAttributes(answer);
	const original = attributes.get(TUPLE_ORIGINAL);
	const reply = attributes.get(TUPLE_REPLY);
	if (original === undefined || reply === undefined) return [];
	const meant = endOf(original, 'destination');
	const member = endOf(reply, 'source');
	if (meant?.address !== endpoint.address || meant.port !== endpoint.port || member === undefined) return [];
	const info = readAttributes(attributes.get(PROTOCOL_INFO) ?? Buffer.alloc(0)).get(1);
	const state = readAttributes(info ?? Buffer.alloc(0)).get(1)?.[0] ?? 0;
	const rest = [ZONE, ID].flatMap(type => {
		const value = attributes.get(type);
		return value === undefined ? [] : [attribute(type, value)];
	});
	return [
		{member, isActive: state > 0 && state <= TCP_ESTABLISHED, name: [nested(TUPLE_ORIGINAL, [original]), ...rest]},
	];
}

/** Undefined for what is not TCP. */
function endOf(tuple: Buffer, end: 'source' | 'destination'): Member | undefined {
	const {1: ip, 2: protocol} = Object.fromEntries(readAttributes(tuple));
	if (ip === undefined || protocol === undefined) return undefined;
	const [narrow, wide, portType] = end === 'source' ? [1, 3, 2] : [2, 4, 3];
	const ports = readAttributes(protocol);
	const addresses = readAttributes(ip);
	const address = addresses.get(narrow) ?? addresses.get(wide);
	const port = ports.get(portType);
	if (ports.get(1)?.[0] !== IPPROTO_TCP || port?.length !== 2) return undefined;
	if (address?.length !== 4 && address?.length !== 16) return undefined;
	return {address: addressText(address), port: port.readUInt16BE(0)};
}
