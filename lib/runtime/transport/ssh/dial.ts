import {connect, isIP} from 'node:net';
import type {Duplex} from 'node:stream';
import {waitFor} from '../../../core/abortable.js';
import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import {dialError, type Endpoint, timeoutError} from './failure.js';
import {isRefusal, type SshSession} from './ssh2.js';

/**
 * Opens a TCP connection; of a name with several addresses the first that answers counts.
 * @throws HostError ERR_HOST_NAME, ERR_HOST_UNREACHABLE, ERR_HOST_TIMEOUT
 */
export async function dialDirectly(
	to: Endpoint,
	options: Abortable & {readonly timeoutMs: number; readonly family?: 4 | 6 | undefined},
): Promise<Duplex> {
	options.signal?.throwIfAborted();
	return await new Promise((resolve, reject) => {
		const socket = connect({
			host: to.address,
			port: to.port,
			noDelay: true,
			keepAlive: true,
			// Node gives each address of a name a quarter of a second, which is too little for the other side of the world.
			autoSelectFamilyAttemptTimeout: Math.max(250, Math.floor(options.timeoutMs / 4)),
			...(options.family === undefined || isIP(to.address) > 0 ? {} : {family: options.family}),
		});
		const settle = (result: () => void): void => {
			clearTimeout(timer);
			options.signal?.removeEventListener('abort', onAbort);
			socket.off('error', onError);
			// Who takes the socket listens only later; its end tells the same.
			socket.on('error', () => undefined);
			result();
		};
		const fail = (error: unknown): void => {
			settle(() => reject(error));
			socket.destroy();
		};
		const onError = (error: Error): void => fail(dialError(to, error));
		const onAbort = (): void => fail(options.signal?.reason);
		const timer = setTimeout(() => fail(timeoutError(to, 'connection')), options.timeoutMs);
		options.signal?.addEventListener('abort', onAbort, {once: true});
		socket.once('error', onError);
		socket.once('connect', () => settle(() => resolve(socket)));
	});
}

/** A connection that others pass through. */
export interface JumpLink {
	/** For messages: "jump host bastion", or "host" for the host that a report is about. */
	readonly who: string;
	readonly session: SshSession;
}

/**
 * Opens a connection from the far end of another, which looks up the name.
 * @throws HostError ERR_HOST_FORWARD, ERR_HOST_UNREACHABLE, ERR_HOST_TIMEOUT, ERR_HOST_LOST
 */
export async function dialThrough(
	jump: JumpLink,
	to: Endpoint,
	options: Abortable & {readonly timeoutMs: number},
): Promise<Duplex> {
	options.signal?.throwIfAborted();
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(timeoutError(to, 'connection')), options.timeoutMs);
	});
	const opening = jump.session.forward(to.address, to.port);
	try {
		return await waitFor(Promise.race([opening, late]), options);
	} catch (error) {
		// It may still open, and nobody would close it.
		opening.then(stream => stream.destroy()).catch(() => undefined);
		options.signal?.throwIfAborted();
		throw error instanceof HostError ? error : forwardError(jump.who, to, error);
	} finally {
		clearTimeout(timer);
	}
}

function forwardError(who: string, to: Endpoint, error: unknown): HostError {
	const {reason} = error as {reason?: unknown};
	if (!isRefusal(error)) {
		return new HostError(to.host, 'ERR_HOST_LOST', `The connection to the ${who} broke`, {
			hint: `Check the ${who}, then run the command again.`,
		});
	}
	// RFC 4254, section 5.1: 1 is "administratively prohibited".
	if (reason === 1) {
		return new HostError(to.host, 'ERR_HOST_FORWARD', `The ${who} does not let connections through`, {
			hint: `Set AllowTcpForwarding in sshd_config of the ${who}.`,
		});
	}
	const told = error instanceof Error ? error.message : '';
	return new HostError(
		to.host,
		'ERR_HOST_UNREACHABLE',
		`The ${who} cannot reach port ${to.port} of ${to.address}${told === '' ? '' : `: ${told}`}`,
		{hint: `Check the address as the ${who} sees it, and whether anything listens there.`},
	);
}
