import {endpointText} from '../../core/ip-address.js';
import {readAttributes, text} from '../netlink/attributes.js';
import {KernelError} from '../netlink/request.js';
import type {Netfilter} from './connection.js';
import {deleteTable, masquerade, natChain, newRule, replaceTable, wasMeantFor} from './encode.js';

/** The table of ours that holds the masquerade, in the family of the virtual address. */
export const masqueradeTable = 'sealimage-lb';

const GET_RULE = 7;
const RULE_CHAIN = 2;
const RULE_COMMENT = 7;

type Endpoint = {readonly address: string; readonly port: number};

/**
 * Connections to the virtual address leave this node with an address of the node, or the answers to pods would pass it by. For the host's own, which
 * have such an address already, it changes nothing.
 * @returns whether something had to be changed
 * @throws KernelError
 */
export function ensureMasquerade(netfilter: Netfilter, endpoint: Endpoint): boolean {
	if (hasMasquerade(netfilter, endpoint)) return false;
	netfilter.commit(
		replaceTable(masqueradeTable, [
			natChain(masqueradeTable, 'postrouting'),
			newRule(
				masqueradeTable,
				'postrouting',
				[...wasMeantFor(endpoint.address, endpoint.port), masquerade()],
				commentFor(endpoint),
			),
		]),
	);
	return true;
}

export function hasMasquerade(netfilter: Netfilter, endpoint: Endpoint): boolean {
	const rules = listRules(netfilter, masqueradeTable);
	return rules.length === 1 && rules[0]?.chain === 'postrouting' && rules[0].comment === commentFor(endpoint);
}

/** @returns whether there was one */
export function removeTable(netfilter: Netfilter, name: string): boolean {
	try {
		netfilter.commit([deleteTable(name)]);
		return true;
	} catch (error) {
		if (error instanceof KernelError && error.errno === 'ENOENT') return false;
		throw error;
	}
}

/** The chain and comment of each rule of a table; none when there is no such table. */
export function listRules(
	netfilter: Netfilter,
	table: string,
): readonly {readonly chain: string; readonly comment: string}[] {
	const answers = netfilter.call('dump', {command: GET_RULE, attributes: [text(1, table)]});
	return answers.flatMap(answer => {
		const rule = readAttributes(answer);
		// Kernels before 4.10 list the rules of all tables.
		if (latin(rule.get(1)) !== table) return [];
		const note = rule.get(RULE_COMMENT) ?? Buffer.alloc(0);
		return [{chain: latin(rule.get(RULE_CHAIN)), comment: note[0] === 0 ? latin(note.subarray(2)) : ''}];
	});
}

function commentFor(endpoint: Endpoint): string {
	return `sealimage: pods to ${endpointText(endpoint)}`;
}

function latin(bytes: Buffer | undefined): string {
	return (bytes ?? Buffer.alloc(0)).toString('latin1').replace(/\0.*$/s, '');
}
