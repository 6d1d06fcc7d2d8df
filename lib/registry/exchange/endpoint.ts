import {isIP} from 'node:net';

/** Where a registry is reached. */
export interface Endpoint {
	/** As in references. */
	readonly host: string;
	/** `https://registry-1.docker.io`, without a slash at the end. */
	readonly origin: string;
	/** Plain http may be used, and credentials may go over it; any certificate is accepted. */
	readonly insecure: boolean;
}

/** Docker Hub answers under another name than its images carry. */
const aliases: Readonly<Record<string, string>> = {'docker.io': 'registry-1.docker.io'};

/** The address of a registry, over https unless `plain`. */
export function endpointOf(host: string, options: {readonly insecure: boolean; readonly plain: boolean}): Endpoint {
	return {
		host,
		origin: `${options.plain ? 'http' : 'https'}://${aliases[host] ?? host}`,
		insecure: options.insecure,
	};
}

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

function bareHost(hostAndPort: string): string {
	const bracketed = /^\[([^\]]*)\]/.exec(hostAndPort);
	if (bracketed !== null) return (bracketed[1] ?? '').toLowerCase();
	if (isIP(hostAndPort) === 6) return hostAndPort.toLowerCase();
	return hostAndPort.replace(/:\d+$/, '').toLowerCase();
}
