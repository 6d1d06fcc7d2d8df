import {type Foreign, loadForeign} from '../../../core/foreign.js';
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
		try {
			const foreign = await loadForeign();
			return {
				...about,
				native: 'ok',
				glibc: foreign.load('libc.so.6').func('const char *gnu_get_libc_version()')() as string,
				netlink: {
					route: askKernel(foreign, netlinkRoute, linkDump),
					generic: askKernel(foreign, netlinkGeneric, familyOf('nlctrl')),
				},
			};
		} catch (error) {
			const failed = {failed: (error as Error).message};
			return {...about, glibc: undefined, native: failed, netlink: {route: failed, generic: failed}};
		}
	},
};

// netlink(7)
const afNetlink = 16;
const sockRaw = 3;
const sockCloexec = 0o2000000;
const netlinkRoute = 0;
const netlinkGeneric = 16;
const request = 1;
const dump = 0x300;
const messageError = 2;
const getLink = 18;
const genericControl = 0x10;
const getFamily = 3;
const familyName = 2;

/** Sends one request and looks at the head of the answer. */
function askKernel(foreign: Foreign, protocol: number, message: Buffer): 'ok' | {readonly failed: string} {
	const libc = foreign.load('libc.so.6');
	const socket = libc.func('int socket(int domain, int type, int protocol)');
	const send = libc.func('long send(int fd, const void *buffer, size_t length, int flags)');
	const receive = libc.func('long recv(int fd, void *buffer, size_t length, int flags)');
	const close = libc.func('int close(int fd)');
	const failed = (what: string): {readonly failed: string} => ({failed: `${what}: errno ${foreign.errno()}`});
	const fd = socket(afNetlink, sockRaw | sockCloexec, protocol) as number;
	if (fd < 0) return failed('socket');
	try {
		if ((send(fd, message, message.length, 0) as number) !== message.length) return failed('send');
		const answer = Buffer.alloc(64 * 1024);
		const length = receive(fd, answer, answer.length, 0) as number;
		if (length < 16) return failed('recv');
		if (answer.readUInt16LE(4) === messageError) return {failed: `the kernel answers ${answer.readInt32LE(16)}`};
		return 'ok';
	} finally {
		close(fd);
	}
}

const linkDump: Buffer = netlinkMessage(getLink, request | dump, Buffer.alloc(16));

/** A question for the number of a family of generic netlink. */
function familyOf(name: string): Buffer {
	const text = Buffer.from(`${name}\0`);
	const body = Buffer.alloc(4 + 4 + text.length);
	body.writeUInt8(getFamily, 0);
	body.writeUInt8(1, 1);
	body.writeUInt16LE(4 + text.length, 4);
	body.writeUInt16LE(familyName, 6);
	text.copy(body, 8);
	return netlinkMessage(genericControl, request, body);
}

function netlinkMessage(type: number, flags: number, body: Buffer): Buffer {
	const header = Buffer.alloc(16);
	header.writeUInt16LE(type, 4);
	header.writeUInt16LE(flags, 6);
	header.writeUInt32LE(1, 8);
	const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
	header.writeUInt32LE(16 + body.length + padding.length, 0);
	return Buffer.concat([header, body, padding]);
}
