import type {SealEvent} from '../../core/events.js';
import type {Form} from '../table.js';

export interface SurroundingsOptions {
	/** The node's address that its own connections to the virtual address come from. Default: the one that the kernel would speak to a member from. */
	readonly nodeAddress?: string | undefined;
	/** Insist on a form. Default: IPVS, and nftables where the kernel has none. */
	readonly form?: Form | undefined;
	/** Remembers what was there before, for `restoreNode`. Default `/var/lib/sealimage/lb/surroundings.json`. */
	readonly stateFile?: string | undefined;
	/** Where the system's files begin. Default `/`. */
	readonly root?: string | undefined;
	/** Warnings, each once a call. */
	readonly onEvent?: ((event: SealEvent) => void) | undefined;
	readonly signal?: AbortSignal | undefined;
}

export const defaultStateFile = '/var/lib/sealimage/lb/surroundings.json';
