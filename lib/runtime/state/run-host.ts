import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {type EnsureOptions, ensureAgent} from '../agent/ensure.js';
import type {AgentConnection} from '../agent/protocol.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import type {RunHost} from '../lifecycle/run.js';
import type {SettingHost} from '../lifecycle/setting.js';
import type {OpenTransport} from '../transport/transport.js';
import type {LockRequest} from './host-lock.js';
import {recordDigest} from './host-record.js';
import type {HostState} from './host-state.js';

/** A host of a run, and what the run itself does with it. */
export interface OpenedHost extends RunHost {
	/**
	 * Keeps other operators off it from now on, also after its session broke and was opened again.
	 * @throws HostError ERR_CLUSTER_LOCKED, ERR_CLUSTER_STATE when somebody has worked on it since it was looked at, and what `agent` throws
	 */
	lock(options?: Abortable): Promise<void>;
	/** The agent is gone, or is about to be: nothing more is asked of it. Gives the lock back. */
	leave(): Promise<void>;
	close(): Promise<void>;
}

export interface RunHostOptions {
	readonly open: OpenTransport;
	readonly ensure: EnsureOptions;
	readonly lock: LockRequest & {readonly waitMs: number};
}

export function createRunHost(
	host: SettingHost,
	target: HostTarget,
	state: HostState | undefined,
	options: RunHostOptions,
): OpenedHost {
	const transport = options.open(target);
	let session: Promise<AgentConnection> | undefined;
	let isLocked = false;
	let record: unknown;
	const takeLock = async (connection: AgentConnection, abortable: Abortable): Promise<void> => {
		const locked = await connection.call('lock', options.lock, abortable);
		record = (locked as {readonly record?: unknown} | null)?.record;
	};
	const openSession = async (): Promise<AgentConnection> => {
		const connection = await ensureAgent(transport, options.ensure);
		if (!isLocked) return connection;
		try {
			await takeLock(connection, options.ensure);
			return connection;
		} catch (error) {
			await connection.close();
			throw error;
		}
	};
	const agent = async (): Promise<AgentConnection> => {
		const opening = session ?? openSession();
		session = opening;
		const forget = (): void => {
			if (session === opening) session = undefined;
		};
		try {
			const connection = await opening;
			return whileWhole(connection, forget);
		} catch (error) {
			forget();
			throw error;
		}
	};
	const leave = async (): Promise<void> => {
		isLocked = false;
		const opened = session;
		session = undefined;
		await (await opened?.catch(() => undefined))?.close();
	};
	return {
		...host,
		target,
		state,
		transport,
		agent,
		async lock(abortable = {}) {
			const hadSession = session !== undefined;
			isLocked = true;
			try {
				const connection = await agent();
				if (hadSession) await takeLock(connection, abortable);
				if (state !== undefined && record !== undefined && record !== recordDigest(state)) throw changed(host.name);
			} catch (error) {
				isLocked = false;
				throw error;
			}
		},
		leave,
		async close() {
			await leave();
			await transport.close();
		},
	};
}

function changed(host: string): HostError {
	return new HostError(host, 'ERR_CLUSTER_STATE', 'Somebody has worked on the host since it was looked at', {
		hint: 'Run the command again: it looks anew, and plans what is left to do.',
	});
}

/** What a session fails with when it is over. */
const broken: ReadonlySet<string> = new Set([
	'ERR_AGENT_LOST',
	'ERR_AGENT_PROTOCOL',
	'ERR_HOST_LOST',
	'ERR_HOST_UNREACHABLE',
]);

/** The same connection; a session that is over, because it broke or because somebody closed it, is forgotten. */
function whileWhole(connection: AgentConnection, forget: () => void): AgentConnection {
	const close = async (): Promise<void> => {
		forget();
		await connection.close();
	};
	return {
		host: connection.host,
		identity: connection.identity,
		async call(verb, params, options) {
			try {
				return await connection.call(verb, params, options);
			} catch (error) {
				if (isSealError(error) && broken.has(error.code)) void close();
				throw error;
			}
		},
		close,
		[Symbol.asyncDispose]: close,
	};
}
