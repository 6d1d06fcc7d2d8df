import {isIP} from 'node:net';

/** True for this machine itself: there plain http gives nothing away. */
export function isLoopback(hostAndPort: string): boolean {
	const host = bareHost(hostAndPort);
	return (
		host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\./.test(isIP(host) === 4 ? host : '')
	);
}

/** True for addresses that a server on the internet has no business to send us to. */
export function isPrivate(hostAndPort: string): boolean {
	const host = bareHost(hostAndPort);
	if (isLoopback(host)) return true;
	if (isIP(host) === 4)
		return /^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
			host,
		);
	return isIP(host) === 6 && /^(?:::|f[cd]|fe[89ab])/i.test(host);
}

/** The name or address without port and brackets, lower case. */
export function bareHost(hostAndPort: string): string {
	const bracketed = /^\[([^\]]*)\]/.exec(hostAndPort);
	if (bracketed !== null) return (bracketed[1] ?? '').toLowerCase();
	if (isIP(hostAndPort) === 6) return hostAndPort.toLowerCase();
	return hostAndPort.replace(/:\d+$/, '').toLowerCase();
}
