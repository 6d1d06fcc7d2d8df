import {attribute, netUint32, readAttributes, readText, text} from '../../../lb/netlink/attributes.js';
import {openNetfilter} from '../../../lb/nftables/connection.js';

// linux/netfilter/ipset/ip_set.h
const DESTROY = 3;
const LIST = 7;
const PROTOCOL = 1;
const SETNAME = 2;
const FLAGS = 6;
const LIST_SETNAME = 2;
/** What every kernel with sets speaks. */
const version = attribute(PROTOCOL, Buffer.from([6]));
const AF_INET = 2;

/** The sets of addresses of this kernel, of all kinds and families. The program ipset is on few hosts. */
export interface SetTable {
	names(): readonly string[];
	/** @throws SealError ERR_NETLINK while rules use it */
	destroy(name: string): void;
	close(): void;
}

/** @throws SealError ERR_NETLINK */
export async function openSets(): Promise<SetTable> {
	const kernel = await openNetfilter('ipset', AF_INET);
	return {
		names: () =>
			kernel
				.call('dump', {command: LIST, attributes: [version, netUint32(FLAGS, LIST_SETNAME)]})
				.map(answer => readText(readAttributes(answer), SETNAME)),
		destroy(name) {
			kernel.call('act', {command: DESTROY, attributes: [version, text(SETNAME, name)]});
		},
		close: () => kernel.close(),
	};
}
