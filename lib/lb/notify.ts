import type {Foreign} from '../core/foreign.js';
import {loadForeign} from '../core/foreign.js';

// bits/socket.h
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** Tells systemd how a service stands (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=...`. */
export type Notify = (state: string) => void;

/**
 * @param path the value of NOTIFY_SOCKET; undefined where no service manager wants to know
 */
export async function openNotify(path: string | undefined): Promise<Notify> {
	if (path === undefined || path === '') return () => {};
	const send = datagrams(await loadForeign(), path);
	return state => send(Buffer.from(state));
}

/** Node has no datagram sockets of AF_UNIX. A manager that does not listen any more is not our trouble. */
function datagrams(foreign: Foreign, path: string): (bytes: Buffer) => void {
	const libc = foreign.load('libc.so.6');
	const socket = libc.func('int socket(int domain, int type, int protocol)');
	const sendto = libc.func(
		'intptr_t sendto(int fd, const uint8_t *bytes, size_t length, int flags, const uint8_t *address, uint32_t addressLength)',
	);
	const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
	// unix(7): an abstract name begins with a zero byte, which the variable writes as @, and its length counts.
	const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
	const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name]);
	return bytes => {
		if (fd >= 0) sendto(fd, bytes, bytes.length, 0, address, address.length);
	};
}

/** How often the watchdog wants to hear something: half of WATCHDOG_USEC, or undefined when it is not set. */
export function watchdogMs(microseconds: string | undefined): number | undefined {
	const value = Number(microseconds);
	return Number.isInteger(value) && value > 0 ? Math.max(100, Math.floor(value / 2000)) : undefined;
}
