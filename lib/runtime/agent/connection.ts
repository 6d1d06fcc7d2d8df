import {setTimeout as sleep} from 'node:timers/promises';
import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {Transport} from '../transport/transport.js';
import {type AgentProcess, type AgentProcessOptions, hostError, startAgent} from './agent-process.js';
import {type AgentConnection, type AgentIdentity, keepAliveMs, maxRequestBytes} from './protocol.js';
import {errorFrom, parseReply} from './reply.js';

/**
 * Starts a session with the agent of a host. It ends with `close`, with `options.signal`, or with the first thing the agent says
 * that makes no sense; calls that wait are then rejected.
 * @throws HostError ERR_AGENT_MISSING, ERR_AGENT_START, ERR_AGENT_PROTOCOL, and those of the transport
 */
export async function openAgent(transport: Transport, options: AgentProcessOptions = {}): Promise<AgentConnection> {
	options.signal?.throwIfAborted();
	const life = new AbortController();
	const signal = options.signal === undefined ? life.signal : AbortSignal.any([life.signal, options.signal]);
	const agent = await startAgent(transport, ['session'], {...options, signal});
	return new Session(transport.host, agent, life, signal);
}

interface Call {
	readonly onEvent: ((event: unknown) => void) | undefined;
	resolve(result: unknown): void;
	reject(error: unknown): void;
}

/** How long an aborted call waits for the agent to have cleaned up, and a closed session for the agent to end. */
const graceMs = 5000;

class Session implements AgentConnection {
	readonly host: string;
	readonly identity: AgentIdentity;
	readonly #agent: AgentProcess;
	readonly #life: AbortController;
	readonly #calls = new Map<number, Call>();
	readonly #keepAlive: NodeJS.Timeout;
	/** Settles when the agent has ended. */
	readonly #over: Promise<void>;
	#nextId = 1;
	#failure: {readonly reason: unknown} | undefined;

	constructor(host: string, agent: AgentProcess, life: AbortController, signal: AbortSignal) {
		this.host = host;
		this.identity = agent.identity;
		this.#agent = agent;
		this.#life = life;
		this.#keepAlive = setInterval(() => {
			if (!agent.program.stdin.writableNeedDrain) agent.program.stdin.write('\n');
		}, keepAliveMs);
		this.#keepAlive.unref();
		const abort = (): void => this.#fail(signal.reason);
		signal.addEventListener('abort', abort, {once: true});
		this.#over = this.#read().then(() => signal.removeEventListener('abort', abort));
	}

	async call(
		verb: string,
		params: unknown,
		{signal, onEvent}: Abortable & {readonly onEvent?: (event: unknown) => void} = {},
	): Promise<unknown> {
		signal?.throwIfAborted();
		if (this.#failure !== undefined) throw this.#failure.reason;
		const id = this.#nextId++;
		const line = `${JSON.stringify({id, verb, params})}\n`;
		if (Buffer.byteLength(line) > maxRequestBytes) {
			throw new HostError(
				this.host,
				'ERR_AGENT_LIMIT',
				`A request is longer than the ${maxRequestBytes} bytes that are allowed`,
			);
		}
		let timer: NodeJS.Timeout | undefined;
		const stdin = this.#agent.program.stdin;
		const answer = new Promise<unknown>((resolve, reject) => {
			this.#calls.set(id, {onEvent, resolve, reject});
		});
		const cancel = (): void => {
			stdin.write(`${JSON.stringify({id, cancel: true})}\n`);
			timer = setTimeout(() => this.#calls.get(id)?.reject(signal?.reason), graceMs);
		};
		signal?.addEventListener('abort', cancel, {once: true});
		stdin.write(line);
		try {
			return await answer;
		} catch (error) {
			signal?.throwIfAborted();
			throw error;
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener('abort', cancel);
		}
	}

	async close(): Promise<void> {
		this.#fail(new HostError(this.host, 'ERR_ABORTED', 'The session with the agent was closed'), false);
		this.#agent.program.stdin.end();
		const timer = setTimeout(() => this.#life.abort(), graceMs);
		// Whatever a host does with a connection that is over, nobody waits for it for ever.
		const patience = new AbortController();
		try {
			await Promise.race([this.#over, sleep(2 * graceMs, undefined, {signal: patience.signal})]);
		} finally {
			clearTimeout(timer);
			patience.abort();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** Never rejects. */
	async #read(): Promise<void> {
		const {lines, program, stderrTail} = this.#agent;
		try {
			for (let line = await lines.line(); line !== undefined; line = await lines.line()) {
				if (line.length > 0 && this.#failure === undefined) this.#take(line);
			}
		} catch (error) {
			if (isSealError(error)) {
				this.#fail(hostError(this.host, error));
				return;
			}
			// A stream that breaks off is no error of its own: the end of the process tells why.
		}
		try {
			const status = await program.exit;
			const stderr = stderrTail();
			const how = status.signal === undefined ? `with exit code ${status.code}` : `by the signal ${status.signal}`;
			this.#fail(
				new HostError(this.host, 'ERR_AGENT_LOST', `The agent ended ${how} in the middle of its work`, {
					details: {...status, ...(stderr === '' ? {} : {stderr})},
				}),
			);
		} catch (error) {
			this.#fail(hostError(this.host, error));
		}
	}

	#take(line: Buffer): void {
		const reply = parseReply(line);
		if ('fatal' in reply) throw errorFrom(this.host, reply.fatal);
		const call = 'id' in reply ? this.#calls.get(reply.id) : undefined;
		if (!('id' in reply) || call === undefined) {
			throw new HostError(this.host, 'ERR_AGENT_PROTOCOL', 'The agent answers what it was not asked');
		}
		if ('event' in reply) {
			try {
				call.onEvent?.(reply.event);
			} catch {
				// A listener's failure is its own, as in core/events.
			}
			return;
		}
		this.#calls.delete(reply.id);
		if ('error' in reply) call.reject(errorFrom(this.host, reply.error));
		else call.resolve(reply.result);
	}

	/** The first reason counts; every call that waits gets it. */
	#fail(reason: unknown, kill = true): void {
		if (this.#failure !== undefined) return;
		this.#failure = {reason};
		clearInterval(this.#keepAlive);
		for (const call of this.#calls.values()) call.reject(reason);
		this.#calls.clear();
		if (kill) this.#life.abort(reason);
	}
}
