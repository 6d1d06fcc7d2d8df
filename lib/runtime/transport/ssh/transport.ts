import type {Duplex} from 'node:stream';
import {isSealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import type {HostTarget} from '../../host/target.js';
import type {LoginShell} from '../shell.js';
import type {Forwarder, RemoteProcess, SpawnOptions, Transport} from '../transport.js';
import {spawnInShell} from '../wrap.js';
import {Connection, closedError} from './connection.js';
import {type Connector, endpointOf} from './connector.js';
import {dialThrough, type JumpLink} from './dial.js';
import type {Shared} from './shared.js';
import {sshShell} from './ssh-shell.js';

/** A host over SSH. Nothing is read or connected before the first command. */
export class SshTransport implements Transport, Forwarder {
	readonly host: string;
	readonly #target: HostTarget;
	readonly #shared: Shared;
	readonly #connector: Connector;
	readonly #closing = new AbortController();
	readonly #running = new Set<Promise<unknown>>();
	#way: Promise<Way> | undefined;

	constructor(target: HostTarget, shared: Shared, connector: Connector) {
		this.host = target.name;
		this.#target = target;
		this.#shared = shared;
		this.#connector = connector;
	}

	async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<RemoteProcess> {
		const signal = this.#signal(options);
		const {login} = this.#target;
		try {
			const {shell} = await this.#findWay();
			const started = await spawnInShell(
				shell,
				argv,
				{...options, signal},
				{
					password: login.sudoPassword ?? login.password,
				},
			);
			this.#running.add(started.exit);
			const forget = (): boolean => this.#running.delete(started.exit);
			started.exit.then(forget, forget);
			return started;
		} catch (error) {
			throw this.#asHostError(error);
		}
	}

	async forward(address: string, port: number, options: Abortable = {}): Promise<Duplex> {
		const signal = this.#signal(options);
		try {
			const {link} = await this.#findWay();
			const to = {host: this.host, address, port};
			return await dialThrough(await link({signal}), to, {signal, timeoutMs: forwardTimeoutMs});
		} catch (error) {
			throw this.#asHostError(error);
		}
	}

	async close(): Promise<void> {
		this.#closing.abort(closedError(this.host));
		await Promise.allSettled(this.#running);
		const way = await this.#way?.catch(() => undefined);
		way?.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#signal({signal}: Abortable): AbortSignal {
		return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
	}

	#findWay(): Promise<Way> {
		this.#way ??= findWay(this.#target, this.#shared, this.#connector);
		return this.#way;
	}

	#asHostError(error: unknown): unknown {
		if (!isSealError(error) || error instanceof HostError) return error;
		const {code, message, hint, details, cause} = error;
		return new HostError(this.host, code, message, {hint, details, cause});
	}
}

interface Way {
	readonly shell: LoginShell;
	link(options: Abortable): Promise<JumpLink>;
	close(): void;
}

const forwardTimeoutMs = 15_000;

async function findWay(target: HostTarget, shared: Shared, connector: Connector): Promise<Way> {
	const route = await shared.route(target);
	const stop = route.at(-1)!;
	const to = endpointOf(stop);
	const jumps = connector.hold(route);
	const connection = new Connection(to, options => connector.connect(route, options), shared.options);
	return {
		shell: sshShell({
			to,
			user: stop.user,
			connection,
			connectAside: options => connector.connect(route, options),
		}),
		link: async options => ({who: 'host', session: (await connection.link(options)).session}),
		close() {
			connection.close();
			jumps.release();
		},
	};
}
