import {loadForeign} from '../../../core/foreign.js';
import {openFamily} from '../../../lb/netlink/generic.js';
import {connectNetlink} from '../../../lb/netlink/request.js';
import {NETLINK_ROUTE, openNetlinkSocket} from '../../../lb/netlink/socket.js';
import type {AgentVerb} from '../protocol.js';

/** What an agent finds out about its own working parts. */
export interface SelfReport {
	readonly node: string;
	/** Of the host; undefined when its functions cannot be called. */
	readonly glibc: string | undefined;
	readonly residentBytes: number;
	/** Whether functions of the C library can be called, and the kernel be talked to over netlink. */
	readonly native: 'ok' | {readonly failed: string};
	readonly netlink: {
		readonly route: 'ok' | {readonly failed: string};
		readonly generic: 'ok' | {readonly failed: string};
	};
}

/** Tries everything that an agent needs of its host. */
export const self: AgentVerb<undefined, SelfReport> = {
	name: 'self',
	parse: () => undefined,
	async run() {
		const about = {node: process.versions.node, residentBytes: process.memoryUsage.rss()};
		let glibc: string | undefined;
		const native = await attempt(async () => {
			glibc = (await loadForeign()).load('libc.so.6').func('const char *gnu_get_libc_version()')() as string;
		});
		return {
			...about,
			glibc,
			native,
			netlink: {route: await attempt(askForLinks), generic: await attempt(askForFamily)},
		};
	},
};

type Attempt = 'ok' | {readonly failed: string};

async function attempt(work: () => Promise<void>): Promise<Attempt> {
	try {
		await work();
		return 'ok';
	} catch (error) {
		return {failed: (error as Error).message};
	}
}

/** rtnetlink(7): RTM_GETLINK with an empty struct ifinfomsg lists every device. */
async function askForLinks(): Promise<void> {
	const connection = connectNetlink(await openNetlinkSocket(NETLINK_ROUTE));
	try {
		connection.request({type: 18, kind: 'dump', payload: Buffer.alloc(16)});
	} finally {
		connection.close();
	}
}

/** The family that every kernel has. */
async function askForFamily(): Promise<void> {
	(await openFamily('nlctrl', 2)).close();
}
