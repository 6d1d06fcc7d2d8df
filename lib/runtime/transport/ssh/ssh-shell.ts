import {waitFor} from '../../../core/abortable.js';
import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import type {LoginShell, StartOptions} from '../shell.js';
import type {Connection} from './connection.js';
import {type Endpoint, lostError} from './failure.js';
import {type ChannelProcess, channelProcess} from './shell-process.js';
import {type ClientChannel, isRefusal, type SshSession} from './ssh2.js';

export interface SshShellOptions {
	readonly to: Endpoint;
	readonly user: string;
	readonly connection: Connection;
	/** One more connection to the same server, for what cannot wait. */
	readonly connectAside: (options: Abortable) => Promise<SshSession>;
}

/** The login shell of a host over its connection, each command in a channel of its own. */
export function sshShell({to, user, connection, connectAside}: SshShellOptions): LoginShell {
	const startUrgent = async (line: string, options: StartOptions): Promise<ChannelProcess> => {
		const {session} = await connection.link(options);
		try {
			return await startIn(session, to, line, options);
		} catch (error) {
			if (!isRefusal(error)) throw error;
		}
		// All places are taken, and what this command is to end is in one of them.
		const aside = await connectAside(options);
		try {
			const started = await startIn(aside, to, line, options);
			const end = (): void => aside.end();
			started.exit.then(end, end);
			return started;
		} catch (error) {
			aside.end();
			throw error;
		}
	};
	return {
		host: to.host,
		user,
		async start(line, options = {}) {
			try {
				if (options.urgent === true) return await startUrgent(line, options);
				const {session, gate} = await connection.link(options);
				return await gate.open(() => startIn(session, to, line, options), options);
			} catch (error) {
				throw isRefusal(error) ? refusedError(to, error) : error;
			}
		},
	};
}

/** Rejects with a refusal of ssh2 when the server has no place, with HostError else. */
async function startIn(
	session: SshSession,
	to: Endpoint,
	line: string,
	options: StartOptions,
): Promise<ChannelProcess> {
	const {signal, terminal} = options;
	signal?.throwIfAborted();
	const adopt = (channel: ClientChannel): ChannelProcess => {
		const started = channelProcess(to.host, channel, terminal !== undefined);
		const onAbort = (): void => started.abandon(signal?.reason as Error);
		const forgetEnd = session.onEnd(error => started.lose(lostError(to, error)));
		const forget = (): void => {
			forgetEnd();
			signal?.removeEventListener('abort', onAbort);
		};
		started.exit.then(forget, forget);
		// The answer may come after the caller has stopped waiting for it.
		if (signal?.aborted === true) onAbort();
		else signal?.addEventListener('abort', onAbort, {once: true});
		return started;
	};
	try {
		return await waitFor(session.exec(line, terminal, adopt), options);
	} catch (error) {
		signal?.throwIfAborted();
		if (error instanceof HostError || isRefusal(error)) throw error;
		const isDenied = error instanceof Error && /^Unable to /.test(error.message);
		throw isDenied ? refusedError(to, error) : lostError(to, error instanceof Error ? error : undefined);
	}
}

function refusedError(to: Endpoint, error: unknown): HostError {
	const told = error instanceof Error ? error.message : '';
	return new HostError(
		to.host,
		'ERR_HOST_SESSION',
		`The host lets the user in, but starts no command${told === '' ? '' : `: ${told}`}`,
		{
			hint: 'Check the login shell of the user, and ForceCommand, MaxSessions and PermitTTY in sshd_config.',
		},
	);
}
