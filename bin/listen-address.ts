import {isIPv6} from 'node:net';
import {UsageError} from './usage-error.js';

export interface ListenAddress {
	readonly host: string;
	readonly port: number;
}

/**
 * Reads `HOST:PORT`, `[::1]:PORT`, `:PORT` for every address of the machine, or `HOST` for port 5000.
 * @throws UsageError
 */
export function parseListen(text: string): ListenAddress {
	const found = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
	const host = found?.[1] ?? found?.[2] ?? '';
	const port = Number(found?.[3] ?? 5000);
	const isHost = found?.[1] === undefined ? /^[\w.-]*$/.test(host) : isIPv6(host);
	if (found === null || text === '' || !isHost || port > 65_535) {
		throw new UsageError(`--listen: ${JSON.stringify(text.slice(0, 100))} is no address to listen on`, {
			hint: 'Write HOST:PORT, as 127.0.0.1:5000 or [::1]:5000; port 0 takes any free one.',
		});
	}
	if (/^\d+$/.test(host)) {
		throw new UsageError(`--listen: "${text}" has no host`, {hint: `Write 127.0.0.1:${host}, or :${host} for all.`});
	}
	return {host: host === '' ? '::' : host, port};
}
