import {isSealError} from '../../core/errors.js';
import type {Transport} from '../transport/transport.js';
import type {AgentProcessOptions} from './agent-process.js';
import type {AgentBundle} from './bundle/bundle.js';
import {openAgent} from './connection.js';
import type {AgentConnection} from './protocol.js';

export interface EnsureOptions extends AgentProcessOptions {
	/** The agent that the host should have, by platform. */
	readonly bundle: (platform: string) => Promise<AgentBundle>;
	readonly install: (transport: Transport) => Promise<unknown>;
}

/**
 * A session with the very agent of this sealimage: on a host that has it, that costs one start; where it is missing, damaged or another
 * one, it is installed first.
 * @throws what openAgent, `bundle` and `install` throw
 */
export async function ensureAgent(transport: Transport, options: EnsureOptions): Promise<AgentConnection> {
	const found = await openInstalled(transport, options);
	if (found !== undefined) {
		if (found.identity.id === (await options.bundle(found.identity.platform)).id) return found;
		await found.close();
	}
	await options.install(transport);
	return await openAgent(transport, options);
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
