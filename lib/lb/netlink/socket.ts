import {SealError} from '../../core/errors.js';
import {type Foreign, loadForeign} from '../../core/foreign.js';
import {errnoName} from './errno.js';

// linux/netlink.h, bits/socket.h: the same numbers on every architecture that we run on.
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const MSG_PEEK_TRUNC = 0x2 | 0x20;

/** A netlink socket of one protocol, such as NETLINK_GENERIC. The kernel answers before `send` returns, so nothing here waits for long. */
export interface NetlinkSocket {
	/** @throws SealError ERR_NETLINK */
	send(message: Uint8Array): void;
	/** One datagram, whole. @throws SealError ERR_NETLINK, also when the kernel stays silent for a second */
	receive(): Buffer;
	close(): void;
}

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;

/** @throws SealError ERR_NETLINK where the system has no netlink or forbids it */
export async function openNetlinkSocket(protocol: number): Promise<NetlinkSocket> {
	const foreign = await loadForeign();
	const libc = loadLibc(foreign);
	const failed = (what: string): SealError => failure(what, foreign.errno());
	const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0) throw failed('open a netlink socket');
	const address = Buffer.alloc(12);
	address.writeUInt16LE(AF_NETLINK, 0);
	const second = Buffer.alloc(16);
	second.writeBigInt64LE(1n, 0);
	const on = Buffer.from([1, 0, 0, 0]);
	// Extended acknowledgements say in words what an errno does not; kernels before 4.12 have none, which is no failure.
	libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, on, on.length);
	if (
		libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, second, second.length) < 0 ||
		libc.bind(fd, address, address.length) < 0
	) {
		const error = failed('bind a netlink socket');
		libc.close(fd);
		throw error;
	}
	let isOpen = true;
	return {
		send(message) {
			const sent = libc.send(fd, message, message.length, 0);
			if (sent !== message.length) throw failed('send to the kernel');
		},
		receive() {
			const one = Buffer.alloc(1);
			const size = libc.recv(fd, one, one.length, MSG_PEEK_TRUNC);
			if (size < 0) throw failed('receive from the kernel');
			const message = Buffer.alloc(size);
			const received = libc.recv(fd, message, message.length, 0);
			if (received < 0) throw failed('receive from the kernel');
			return message.subarray(0, received);
		},
		close() {
			if (isOpen) libc.close(fd);
			isOpen = false;
		},
	};
}

interface Libc {
	socket(domain: number, type: number, protocol: number): number;
	bind(fd: number, address: Uint8Array, length: number): number;
	setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
	send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
	recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
	close(fd: number): number;
}

let loaded: Libc | undefined;

/** Functions are declared once a process: the library keeps their types. */
function loadLibc(foreign: Foreign): Libc {
	if (loaded !== undefined) return loaded;
	const library = foreign.load('libc.so.6');
	loaded = {
		socket: library.func('int socket(int domain, int type, int protocol)'),
		bind: library.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
		setsockopt: library.func('int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)'),
		send: library.func('intptr_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
		recv: library.func('intptr_t recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)'),
		close: library.func('int close(int fd)'),
	};
	return loaded;
}

function failure(what: string, errno: number): SealError {
	return new SealError('ERR_NETLINK', `Cannot ${what}: ${errnoName(errno)}`, {
		...(errno === 1 || errno === 13 ? {hint: 'Run as root, or with CAP_NET_ADMIN.'} : {}),
		details: {errno},
	});
}
