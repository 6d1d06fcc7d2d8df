import {addressBytes, addressText} from '../../core/ip-address.js';
import {attribute, listAttributes, nested, netUint32, readAttributes, text, uint32} from '../netlink/attributes.js';
import {malformed} from '../netlink/message.js';
import {KernelError} from '../netlink/request.js';
import type {Member} from '../spec.js';
import type {Netfilter, NetfilterRequest} from './connection.js';
import {
	dataValue,
	deleteTable,
	type Expression,
	expression,
	firstRegister,
	goesTo,
	natChain,
	newRule,
	newTable,
	portBytes,
	replaceTable,
} from './encode.js';

/** The table of ours that shares out connections, in the family of the virtual address. */
export const membersTable = 'sealimage-lb-members';

const NEW_SET = 9;
const NEW_ELEMENTS = 12;
const GET_ELEMENTS = 13;
const NLM_F_CREATE = 0x400;
const SET_IS_MAP = 8;
/** How nft calls types (its datatype.h), so that it can show them: a number of the machine, and address . port. */
const [TYPE_MARK, TYPE_IPV4, TYPE_IPV6, TYPE_PORT] = [19, 7, 8, 13];

/** Who gets new connections, and who keeps only those there are. */
export interface Shares {
	readonly active: readonly Member[];
	readonly draining: readonly Member[];
}

type Endpoint = {readonly address: string; readonly port: number};

/** The whole table anew, at one moment for all packets. Connections that are known go on where they go: conntrack remembers them. */
export function shareOut(endpoint: Endpoint, shares: Shares): NetfilterRequest[] {
	const {active, draining} = shares;
	const wide = endpoint.address.includes(':');
	const memberType = netUint32(6, ((wide ? TYPE_IPV6 : TYPE_IPV4) << 6) | TYPE_PORT);
	const memberBytes = wide ? 20 : 8;
	const note = `sealimage: ${endpoint.address} port ${endpoint.port}`;
	const rule = (chain: string): NetfilterRequest =>
		newRule(membersTable, chain, [...goesTo(endpoint.address, endpoint.port), ...toOneOf(active.length, wide)], note);
	return replaceTable(membersTable, [
		newSet('members', 1, [
			netUint32(3, SET_IS_MAP),
			netUint32(4, TYPE_MARK),
			netUint32(5, 4),
			memberType,
			netUint32(7, memberBytes),
			// For nft alone: the keys are in the machine's order, the data in the network's (libnftnl's udata).
			attribute(13, Buffer.from([0, 4, 1, 0, 0, 0, 1, 4, 2, 0, 0, 0])),
		]),
		newSet('draining', 2, [netUint32(4, ((wide ? TYPE_IPV6 : TYPE_IPV4) << 6) | TYPE_PORT), netUint32(5, memberBytes)]),
		...newElements(
			'members',
			active.map((member, slot) => [dataValue(1, slotBytes(slot)), dataValue(2, memberData(member))]),
		),
		...newElements(
			'draining',
			draining.map(member => [dataValue(1, memberData(member))]),
		),
		natChain(membersTable, 'prerouting'),
		natChain(membersTable, 'output'),
		...(active.length === 0 ? [] : [rule('prerouting'), rule('output')]),
	]);
}

/** Undefined when there is no such table. @throws KernelError, SealError ERR_NETLINK */
export function readShares(netfilter: Netfilter): Shares | undefined {
	try {
		return {
			active: readElements(netfilter, 'members').map(element => memberOf(element, 2)),
			draining: readElements(netfilter, 'draining').map(element => memberOf(element, 1)),
		};
	} catch (error) {
		if (error instanceof KernelError && error.errno === 'ENOENT') return undefined;
		throw error;
	}
}

/** Making it first lets it be deleted where there is none. */
export function dropShares(): NetfilterRequest[] {
	return [newTable(membersTable), deleteTable(membersTable)];
}

/** A counter of connections, modulo the members, chooses one; its address and port are what the packet then goes to. */
function toOneOf(count: number, wide: boolean): Expression[] {
	const addressRegisters = wide ? 4 : 1;
	return [
		expression('numgen', [netUint32(1, firstRegister), netUint32(2, count), netUint32(3, 0), netUint32(4, 0)]),
		expression('lookup', [
			text(1, 'members'),
			netUint32(2, firstRegister),
			netUint32(3, firstRegister),
			netUint32(4, 1),
		]),
		expression('nat', [
			netUint32(1, 1),
			netUint32(2, wide ? 10 : 2),
			netUint32(3, firstRegister),
			netUint32(5, firstRegister + addressRegisters),
		]),
	];
}

function newSet(name: string, id: number, shape: readonly Uint8Array[]): NetfilterRequest {
	return {
		command: NEW_SET,
		flags: NLM_F_CREATE,
		attributes: [text(1, membersTable), text(2, name), ...shape, netUint32(10, id)],
	};
}

function newElements(set: string, elements: readonly (readonly Uint8Array[])[]): NetfilterRequest[] {
	if (elements.length === 0) return [];
	return [
		{
			command: NEW_ELEMENTS,
			flags: NLM_F_CREATE,
			attributes: [
				text(1, membersTable),
				text(2, set),
				nested(
					3,
					elements.map(element => nested(1, element)),
				),
			],
		},
	];
}

function readElements(netfilter: Netfilter, set: string): readonly Buffer[] {
	const request = {command: GET_ELEMENTS, attributes: [text(1, membersTable), text(2, set)]};
	return netfilter
		.call('dump', request)
		.flatMap(answer => listAttributes(readAttributes(answer).get(3) ?? Buffer.alloc(0)).map(([, element]) => element));
}

function memberOf(element: Buffer, type: number): Member {
	const value = readAttributes(readAttributes(element).get(type) ?? Buffer.alloc(0)).get(1);
	if (value === undefined || (value.length !== 8 && value.length !== 20))
		throw malformed(`a member has ${value?.length ?? 0} bytes`);
	const end = value.length - 4;
	return {address: addressText(value.subarray(0, end)), port: value.readUInt16BE(end)};
}

/** The address, then the port at the start of a register of its own. */
function memberData({address, port}: Member): Buffer {
	return Buffer.concat([addressBytes(address), portBytes(port), Buffer.alloc(2)]);
}

/** What numgen makes is a number in the machine's order. */
function slotBytes(slot: number): Buffer {
	return uint32(0, slot).subarray(4);
}
