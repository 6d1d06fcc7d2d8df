import {pipeline} from 'node:stream/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Bytes} from '../../core/bytes.js';
import {systemCode} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import type {Transport} from '../transport/transport.js';
import {type AgentProcess, type AgentProcessOptions, hostError, startAgent, whyBroken} from './agent-process.js';
import {errorFrom, parseReply} from './reply.js';

export interface RunVerbOptions extends AgentProcessOptions {
	/** Goes to the verb's `input`, as it is. */
	readonly input?: Bytes | undefined;
	readonly onEvent?: ((event: unknown) => void) | undefined;
}

/**
 * Runs one verb in an agent of its own, which ends with it. For bytes: what a session would have to wrap in JSON goes to the verb as
 * it is.
 * @throws HostError the agent's own error; ERR_AGENT_MISSING, ERR_AGENT_START, ERR_AGENT_PROTOCOL, ERR_AGENT_LOST; those of the transport
 */
export async function runAgentVerb(
	transport: Transport,
	verb: string,
	params: unknown,
	options: RunVerbOptions = {},
): Promise<unknown> {
	options.signal?.throwIfAborted();
	const life = new AbortController();
	const signal = options.signal === undefined ? life.signal : AbortSignal.any([life.signal, options.signal]);
	const agent = await startAgent(transport, [verb], {...options, signal});
	const patience = new AbortController();
	let unsent: unknown;
	send(agent, params, options.input, signal).catch((error: unknown) => {
		// A verb that has its answer need not read to the end; what an agent says of a broken pipe is better than the pipe's word.
		if (!pipeCodes.has(systemCode(error) ?? '')) unsent = error;
	});
	try {
		const result = await awaitResult(transport.host, agent, options.onEvent);
		await Promise.race([
			agent.program.exit.catch(() => undefined),
			sleep(graceMs, undefined, {signal: patience.signal}),
		]);
		if (unsent !== undefined) throw unsent;
		return result;
	} catch (error) {
		options.signal?.throwIfAborted();
		throw unsent ?? hostError(transport.host, await whyBroken(agent.program, error));
	} finally {
		patience.abort();
		life.abort();
	}
}

/** For an agent that has answered to end. */
const graceMs = 5000;

const pipeCodes: ReadonlySet<string> = new Set([
	'EPIPE',
	'ECONNRESET',
	'ERR_STREAM_PREMATURE_CLOSE',
	'ERR_STREAM_DESTROYED',
	'ERR_STREAM_WRITE_AFTER_END',
]);

async function send(
	{program: {stdin}}: AgentProcess,
	params: unknown,
	input: Bytes | undefined,
	signal: AbortSignal,
): Promise<void> {
	stdin.write(`${JSON.stringify(params ?? null)}\n`);
	if (input === undefined) stdin.end();
	else await pipeline(input, stdin, {signal});
}

async function awaitResult(
	host: string,
	{lines, program, stderrTail}: AgentProcess,
	onEvent: RunVerbOptions['onEvent'],
): Promise<unknown> {
	for (let line = await lines.line(); line !== undefined; line = await lines.line()) {
		if (line.length === 0) continue;
		const reply = parseReply(line);
		if ('result' in reply) return reply.result;
		if ('error' in reply) throw errorFrom(host, reply.error);
		if ('fatal' in reply) throw errorFrom(host, reply.fatal);
		if ('hello' in reply) throw new HostError(host, 'ERR_AGENT_PROTOCOL', 'The agent says hello twice');
		onEvent?.(reply.event);
	}
	const status = await program.exit;
	const stderr = stderrTail();
	throw new HostError(host, 'ERR_AGENT_LOST', 'The agent ended before it answered', {
		details: {...status, ...(stderr === '' ? {} : {stderr})},
	});
}
