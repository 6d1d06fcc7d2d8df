import {addressBytes, addressText} from '../../core/ip-address.js';
import {attribute, readAttributes, uint32} from './attributes.js';
import {malformed} from './message.js';
import {connectNetlink, KernelError, type NetlinkConnection} from './request.js';
import {NETLINK_ROUTE, openNetlinkSocket} from './socket.js';

// linux/rtnetlink.h, linux/if_addr.h
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTN_LOCAL = 2;
const RT_TABLE_LOCAL = 255;
const RT_SCOPE_HOST = 254;
const routeHeaderBytes = 12;
const addressHeaderBytes = 8;
const AF_INET = 2;
const AF_INET6 = 10;
/** The loopback device is the first of every network namespace (LOOPBACK_IFINDEX). */
const loopback = 1;

/** Who made a route (rtm_protocol): a number that no routing daemon has, so that only routes of ours are deleted. */
export const routeOwner = 94;

/** Addresses and routes of this kernel, as far as a balancer needs them. */
export interface Routes {
	/** The addresses that devices of this host have, of the family that the given address has. */
	addresses(like: string): readonly string[];
	/** The address that the host itself would speak to another from; undefined when no route leads there. */
	sourceTo(address: string): string | undefined;
	/** The source that packets to a local address have; undefined when the address is not local to this host. */
	localSource(address: string): string | undefined;
	/** Makes an address local without giving it to a device; what goes there from this host comes from `source`. Replaces a route of before. */
	addLocal(address: string, source: string): void;
	/** Deletes the route of `addLocal`; false when there is none. */
	deleteLocal(address: string): boolean;
	close(): void;
}

/** @throws SealError ERR_NETLINK; the calls throw KernelError */
export async function openRoutes(given?: NetlinkConnection): Promise<Routes> {
	const connection = given ?? connectNetlink(await openNetlinkSocket(NETLINK_ROUTE));
	const find = (address: string) => {
		const [answer] = connection.request({type: RTM_GETROUTE, kind: 'get', payload: routeTo(address, {})});
		if (answer === undefined) throw malformed(`no word about the route to ${address}`);
		return readRoute(answer);
	};
	return {
		addresses(like) {
			const payload = Buffer.alloc(addressHeaderBytes);
			payload[0] = familyOf(like);
			return connection
				.request({type: RTM_GETADDR, kind: 'dump', payload})
				.flatMap(answer => readOwnAddress(answer, like));
		},
		sourceTo: address => orUndefined(unreachable, () => find(address).source),
		localSource: address =>
			orUndefined(unreachable, () => {
				const {type, source} = find(address);
				return type === RTN_LOCAL ? source : undefined;
			}),
		addLocal(address, source) {
			const payload = Buffer.concat([
				routeTo(address, {isOurs: true}),
				attribute(RTA_PREFSRC, addressBytes(source)),
				uint32(RTA_OIF, loopback),
			]);
			connection.request({type: RTM_NEWROUTE, kind: 'act', flags: NLM_F_CREATE | NLM_F_REPLACE, payload});
		},
		deleteLocal: address =>
			orUndefined(['ESRCH'], () => {
				connection.request({type: RTM_DELROUTE, kind: 'act', payload: routeTo(address, {isOurs: true})});
				return true;
			}) ?? false,
		close: () => connection.close(),
	};
}

/** What the kernel says instead of a route when there is none, or one that forbids. */
const unreachable = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL', 'ESRCH'];

function orUndefined<T>(errnos: readonly string[], run: () => T): T | undefined {
	try {
		return run();
	} catch (error) {
		if (error instanceof KernelError && errnos.includes(error.errno)) return undefined;
		throw error;
	}
}

/** struct rtmsg and the destination: one address. */
function routeTo(address: string, {isOurs = false}: {readonly isOurs?: boolean}): Buffer {
	const bytes = addressBytes(address);
	const [family, prefix] = [familyOf(address), bytes.length * 8];
	// family, dst_len, src_len, tos, table, protocol, scope, type; flags
	const owned = [family, prefix, 0, 0, RT_TABLE_LOCAL, routeOwner, bytes.length === 4 ? RT_SCOPE_HOST : 0, RTN_LOCAL];
	const header = Buffer.from([...(isOurs ? owned : [family, prefix, 0, 0, 0, 0, 0, 0]), 0, 0, 0, 0]);
	return Buffer.concat([header, attribute(RTA_DST, bytes), ...(isOurs ? [uint32(RTA_TABLE, RT_TABLE_LOCAL)] : [])]);
}

function readRoute(answer: Buffer): {readonly type: number; readonly source: string | undefined} {
	if (answer.length < routeHeaderBytes) throw malformed(`a route of ${answer.length} bytes has no header`);
	const source = readAttributes(answer.subarray(routeHeaderBytes)).get(RTA_PREFSRC);
	return {type: answer[7] ?? 0, source: source === undefined ? undefined : readAddress(source)};
}

/** None for addresses of the other family, which old kernels tell too. */
function readOwnAddress(answer: Buffer, like: string): string[] {
	if (answer.length < addressHeaderBytes) throw malformed(`an address of ${answer.length} bytes has no header`);
	if (answer[0] !== familyOf(like)) return [];
	const attributes = readAttributes(answer.subarray(addressHeaderBytes));
	// IFA_ADDRESS is the other end of a point-to-point link; IFA_LOCAL, where it is there, is this end.
	const own = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
	return own === undefined ? [] : [readAddress(own)];
}

function readAddress(bytes: Buffer): string {
	if (bytes.length !== 4 && bytes.length !== 16) throw malformed(`an address has ${bytes.length} bytes`);
	return addressText(bytes);
}

function familyOf(address: string): number {
	return address.includes(':') ? AF_INET6 : AF_INET;
}
