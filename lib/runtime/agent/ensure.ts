import {isSealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import type {Transport} from '../transport/transport.js';
import type {AgentProcessOptions} from './agent-process.js';
import type {AgentBundle} from './bundle/bundle.js';
import {openAgent} from './connection.js';
import type {AgentConnection} from './protocol.js';

export interface EnsureOptions extends AgentProcessOptions, WantedAgentOptions {
	readonly install: (transport: Transport) => Promise<unknown>;
}

export interface WantedAgentOptions extends OperationOptions {
	/** The agent that a host should have, by platform; without it any will do that speaks our protocol. */
	readonly bundle?: ((platform: string) => Promise<AgentBundle>) | undefined;
}

/**
 * A session with the very agent of this sealimage: on a host that has it, that costs one start; where it is missing, damaged or another
 * one, it is installed first.
 * @throws what openAgent and `install` throw
 */
export async function ensureAgent(transport: Transport, options: EnsureOptions): Promise<AgentConnection> {
	const found = await openInstalled(transport, options);
	if (found !== undefined) {
		const wanted = await wantedAgent(found.identity.platform, options);
		if (wanted === undefined || found.identity.id === wanted) return found;
		await found.close();
	}
	await options.install(transport);
	return await openAgent(transport, options);
}

/**
 * The id of the agent that hosts should have. Undefined when it cannot be had, which is a warning: one that is there and speaks our
 * protocol can do the work.
 */
export async function wantedAgent(platform: string, options: WantedAgentOptions): Promise<string | undefined> {
	try {
		return (await options.bundle?.(platform))?.id;
	} catch (error) {
		options.signal?.throwIfAborted();
		if (!isSealError(error)) throw error;
		const message = `Agents that are installed stay as they are: ${error.message}`;
		emit(options, {
			type: 'warning',
			code: error.code,
			message,
			...(error.hint === undefined ? {} : {hint: error.hint}),
		});
		return undefined;
	}
}

async function openInstalled(transport: Transport, options: EnsureOptions): Promise<AgentConnection | undefined> {
	try {
		return await openAgent(transport, options);
	} catch (error) {
		const codes: readonly string[] = ['ERR_AGENT_MISSING', 'ERR_AGENT_PROTOCOL', 'ERR_AGENT_START'];
		if (isSealError(error) && codes.includes(error.code)) return undefined;
		throw error;
	}
}
