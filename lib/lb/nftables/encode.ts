import {addressBytes} from '../../core/ip-address.js';
import {attribute, nested, netUint32, text} from '../netlink/attributes.js';
import type {NetfilterRequest} from './connection.js';

// linux/netfilter/nf_tables.h
const NEW_TABLE = 0;
const DEL_TABLE = 2;
const NEW_CHAIN = 3;
const NEW_RULE = 6;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const LIST_ELEMENT = 1;
const IPPROTO_TCP = 6;
/** Registers: the verdict is 0, then four of 16 bytes, or from 8 on the same in pieces of 4. */
export const firstRegister = 8;

export type Expression = Buffer;

/** Replaces a table as a whole: making it first lets the deletion succeed when there is none. */
export function replaceTable(name: string, content: readonly NetfilterRequest[]): NetfilterRequest[] {
	return [newTable(name), deleteTable(name), newTable(name), ...content];
}

export function newTable(name: string): NetfilterRequest {
	return {command: NEW_TABLE, flags: NLM_F_CREATE, attributes: [text(1, name)]};
}

export function deleteTable(name: string): NetfilterRequest {
	return {command: DEL_TABLE, attributes: [text(1, name)]};
}

/** linux/netfilter.h: where packets pass, and in which order chains of address translation are asked. */
const hooks = {prerouting: [0, -100], output: [3, -100], postrouting: [4, 100]} as const;

/** A chain that translates addresses, named as its hook. */
export function natChain(table: string, hook: keyof typeof hooks): NetfilterRequest {
	const [number, priority] = hooks[hook];
	return {
		command: NEW_CHAIN,
		flags: NLM_F_CREATE,
		attributes: [
			text(1, table),
			text(3, hook),
			nested(4, [netUint32(1, number), netUint32(2, priority)]),
			text(7, 'nat'),
		],
	};
}

/** @param comment is shown by nft, and tells us later what the rule is for */
export function newRule(
	table: string,
	chain: string,
	expressions: readonly Expression[],
	comment: string,
): NetfilterRequest {
	const note = Buffer.from(`${comment}\0`, 'latin1');
	return {
		command: NEW_RULE,
		flags: NLM_F_CREATE | NLM_F_APPEND,
		attributes: [
			text(1, table),
			text(2, chain),
			nested(4, expressions),
			// As nft writes comments: type 0, length, text (libnftnl's udata).
			attribute(7, Buffer.concat([Buffer.from([0, note.length]), note])),
		],
	};
}

/** Packets of TCP. */
export function isTcp(): Expression[] {
	return [expression('meta', [netUint32(1, firstRegister), netUint32(2, 16)]), equals(Buffer.from([IPPROTO_TCP]))];
}

/** Packets on their way to an address and port. */
export function goesTo(address: string, port: number): Expression[] {
	const [offset, length] = address.includes(':') ? [24, 16] : [16, 4];
	return [
		payload(1, offset, length),
		equals(addressBytes(address)),
		...isTcp(),
		payload(2, 2, 2),
		equals(portBytes(port)),
	];
}

/** Packets of connections that were begun to an address and port, wherever they go by now. */
export function wasMeantFor(address: string, port: number): Expression[] {
	const original = attribute(3, Buffer.from([0]));
	const tracked = (key: number): Expression =>
		expression('ct', [netUint32(1, firstRegister), netUint32(2, key), original]);
	// NFT_CT_DST and NFT_CT_PROTO_DST
	return [...isTcp(), tracked(9), equals(addressBytes(address)), tracked(12), equals(portBytes(port))];
}

export function masquerade(): Expression {
	return expression('masq', []);
}

export function expression(name: string, attributes: readonly Uint8Array[]): Expression {
	return nested(LIST_ELEMENT, [text(1, name), nested(2, attributes)]);
}

/** NFTA_*_DATA with NFTA_DATA_VALUE in it. */
export function dataValue(type: number, value: Uint8Array): Buffer {
	return nested(type, [attribute(1, value)]);
}

export function portBytes(port: number): Buffer {
	return Buffer.from([port >> 8, port & 0xff]);
}

function equals(value: Uint8Array): Expression {
	return expression('cmp', [netUint32(1, firstRegister), netUint32(2, 0), dataValue(3, value)]);
}

/** @param base 1: the network header, 2: the transport header */
function payload(base: 1 | 2, offset: number, length: number): Expression {
	return expression('payload', [
		netUint32(1, firstRegister),
		netUint32(2, base),
		netUint32(3, offset),
		netUint32(4, length),
	]);
}
