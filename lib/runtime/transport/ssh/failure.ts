import {systemCode} from '../../../core/errors.js';
import {HostError} from '../../host/error.js';
import {FloodError, SilenceError} from './guard.js';
import {PasswordExpired} from './ssh2.js';

/** Where a connection goes to, for messages: "port 22 of 10.0.0.5". */
export interface Endpoint {
	/** The host's name in reports. */
	readonly host: string;
	readonly address: string;
	readonly port: number;
}

/** What broke a TCP connection, or kept it from being made. */
export function dialError(to: Endpoint, error: unknown): HostError {
	const cause = error instanceof AggregateError ? error.errors[0] : error;
	// The message says it in words already: a report would show a cause once more.
	const details = {systemCode: systemCode(cause)};
	const place = `Port ${to.port} of ${to.address}`;
	switch (systemCode(cause)) {
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
		case 'EAI_NODATA':
		case 'EAI_NONAME':
			return new HostError(to.host, 'ERR_HOST_NAME', `There is no address for the name ${to.address}`, {
				hint: 'Look for a typing mistake, or give the address of the host.',
				details,
			});
		case 'ECONNREFUSED':
			return new HostError(to.host, 'ERR_HOST_UNREACHABLE', `${place} is closed`, {
				hint: 'Check that sshd runs there, and on this port.',
				details,
			});
		case 'ETIMEDOUT':
			return timeoutError(to, 'connection');
		default:
			return new HostError(to.host, 'ERR_HOST_UNREACHABLE', `${place} cannot be reached: ${reasonOf(cause)}`, {
				hint: 'Check the address, the network, and whether the host is up.',
				details,
			});
	}
}

export function timeoutError(to: Endpoint, what: 'connection' | 'login'): HostError {
	const message =
		what === 'connection'
			? `Port ${to.port} of ${to.address} does not answer`
			: `The login at port ${to.port} of ${to.address} takes too long`;
	const hint =
		what === 'connection'
			? 'Check the address, firewalls, and whether the host is up.'
			: 'Check that it is sshd that listens there; a slow name server of the host makes logins slow too (UseDNS in sshd_config).';
	return new HostError(to.host, 'ERR_HOST_TIMEOUT', message, {hint});
}

/** What ended a connection before the login was done, the login's own refusals apart. */
export function handshakeError(to: Endpoint, error: unknown): HostError {
	const level = (error as {level?: unknown}).level;
	const message = error instanceof Error ? error.message : '';
	if (level === 'client-timeout' || error instanceof SilenceError) return timeoutError(to, 'login');
	if (error instanceof PasswordExpired) {
		return new HostError(to.host, 'ERR_HOST_PASSWORD_EXPIRED', 'The password has expired', {
			hint: 'Log in once with ssh and set a new one.',
		});
	}
	if (error instanceof FloodError) return protocolError(to, `The host sent ${error.message}`);
	if (level === 'client-socket' || isEarlyEnd(error)) {
		return new HostError(
			to.host,
			'ERR_HOST_LOST',
			`Port ${to.port} of ${to.address} closed the connection before the login`,
			{
				hint: 'Check the log of sshd there: limits on connections (MaxStartups, PerSourcePenalties), blocked addresses, AllowUsers.',
				cause: error,
			},
		);
	}
	if (/no matching/.test(message)) {
		return protocolError(to, `The SSH server has no algorithm in common with us: ${message}`);
	}
	return protocolError(to, `The SSH server at port ${to.port} of ${to.address} is not understood: ${message}`);
}

/** What ended a connection that was logged in. */
export function lostError(to: Endpoint, error: Error | undefined): HostError {
	const message =
		error instanceof SilenceError
			? 'The host fell silent'
			: error instanceof FloodError
				? `The connection was cut: the host sent ${error.message}`
				: `The connection broke${error === undefined ? '' : `: ${error.message}`}`;
	return new HostError(to.host, 'ERR_HOST_LOST', message, {
		hint: 'Check the host and the network, then run the command again.',
	});
}

function protocolError(to: Endpoint, message: string): HostError {
	return new HostError(to.host, 'ERR_HOST_PROTOCOL', message, {
		hint: 'Check the port, and the log of sshd on the host.',
	});
}

function isEarlyEnd(error: unknown): boolean {
	const message = error instanceof Error ? error.message : '';
	return /^(?:The connection was closed|Connection lost before handshake)$/.test(message);
}

function reasonOf(cause: unknown): string {
	const reasons: Readonly<Record<string, string>> = {
		EHOSTUNREACH: 'no route to the host',
		ENETUNREACH: 'no route to its network',
		EHOSTDOWN: 'the host is down',
		ECONNRESET: 'the connection was reset',
		EADDRNOTAVAIL: 'this machine has no address for it',
	};
	const code = systemCode(cause);
	return (code !== undefined && reasons[code]) || (cause instanceof Error ? cause.message : String(cause));
}
