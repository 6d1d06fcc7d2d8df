import {setTimeout as sleep} from 'node:timers/promises';
import {createSharedWork, type SharedWork} from '../../../core/abortable.js';
import {type Abortable, emit, type Observable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import type {Endpoint} from './failure.js';
import {SessionGate} from './session-gate.js';
import type {SshSession} from './ssh2.js';

/** A connection that is logged in, with the gate for its commands. */
export interface Link {
	readonly session: SshSession;
	readonly gate: SessionGate;
}

/**
 * The one connection to a server: made when it is first wanted, shared by all who want it, and made again after it broke. A
 * server that drops new connections because many come at once is asked again, ever more slowly; one that cannot be reached is
 * so only when it had been reached before.
 */
export class Connection {
	readonly #to: Endpoint;
	readonly #connect: (options: Abortable) => Promise<SshSession>;
	readonly #observable: Observable;
	readonly #shared: SharedWork<Link> = createSharedWork();
	readonly #closing = new AbortController();
	#link: Link | undefined;
	#wasUp = false;

	constructor(to: Endpoint, connect: (options: Abortable) => Promise<SshSession>, observable: Observable) {
		this.#to = to;
		this.#connect = connect;
		this.#observable = observable;
	}

	/** @throws HostError when there is no way to log in to the host */
	async link(options: Abortable = {}): Promise<Link> {
		options.signal?.throwIfAborted();
		if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
		return this.#link ?? (await this.#shared('', signal => this.#dial(signal), options));
	}

	close(): void {
		this.#closing.abort(closedError(this.#to.host));
		this.#link?.session.end();
		this.#link = undefined;
	}

	async #dial(signal: AbortSignal): Promise<Link> {
		const either = AbortSignal.any([signal, this.#closing.signal]);
		for (let attempt = 1; ; attempt++) {
			try {
				return this.#take(await this.#connect({signal: either}));
			} catch (error) {
				either.throwIfAborted();
				if (attempt >= maxAttempts || !isWorthRetry(error, this.#wasUp)) throw error;
				const delayMs = Math.round(firstDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
				emit(this.#observable, {
					type: 'retry',
					id: this.#to.host,
					attempt,
					reason: error instanceof Error ? error.message : String(error),
					delayMs,
				});
				await sleep(delayMs, undefined, {signal: either}).catch(() => either.throwIfAborted());
			}
		}
	}

	#take(session: SshSession): Link {
		if (this.#closing.signal.aborted) {
			session.end();
			throw this.#closing.signal.reason;
		}
		const link = {session, gate: new SessionGate()};
		this.#link = link;
		this.#wasUp = true;
		session.onEnd(() => {
			if (this.#link === link) this.#link = undefined;
		});
		return link;
	}
}

/** What those get who still wait for something when the transport is closed. */
export function closedError(host: string): HostError {
	return new HostError(host, 'ERR_HOST_LOST', 'The connection was closed by this side', {
		hint: 'Keep the transport open until its commands have ended.',
	});
}

const maxAttempts = 5;
const firstDelayMs = 400;

function isWorthRetry(error: unknown, wasUp: boolean): boolean {
	if (!(error instanceof HostError)) return false;
	return error.code === 'ERR_HOST_LOST' || (wasUp && ['ERR_HOST_UNREACHABLE', 'ERR_HOST_TIMEOUT'].includes(error.code));
}
