import type {SealEvent} from '../../core/events.js';
import type {BalancerSpec} from '../spec.js';
import type {Form} from '../table.js';

export interface SurroundingsOptions {
	/** The node's address that its own connections to the virtual address come from. Default: the one that the kernel would speak to a member from. */
	readonly nodeAddress?: string | undefined;
	/** Insist on a form. Default: IPVS, and nftables where the kernel has none. */
	readonly form?: Form | undefined;
	/** Remembers what was there before, for `restoreNode`. Default `/var/lib/sealimage/lb/surroundings.json`. */
	readonly stateFile?: string | undefined;
	/** Warnings, each once a call. */
	readonly onEvent?: ((event: SealEvent) => void) | undefined;
	readonly signal?: AbortSignal | undefined;
}

export interface Prepared {
	readonly form: Form;
	readonly nodeAddress: string;
	/** Sentences, such as "set net.ipv4.vs.conntrack from 0 to 1"; none when all was as it should be. */
	readonly changes: readonly string[];
}

/** How one part of the surroundings stands. */
export interface Finding {
	readonly part: 'module' | 'sysctl' | 'route' | 'masquerade' | 'forwarding';
	readonly ok: boolean;
	/** "net.ipv4.vs.conntrack is 0, not 1" */
	readonly text: string;
}

/**
 * Makes a node ready for a balancer: modules, sysctls, the route to the virtual address, masquerade for pods. Idempotent and cheap when there is
 * nothing to do (a few netlink messages), so the loop may call it now and then. Does not touch the table of members.
 * @throws SealError ERR_LB_MODULE neither form is possible; ERR_LB_ADDRESS the virtual address is on a device of this host, or `nodeAddress` is on none;
 *   ERR_LB_SOURCE no member can be routed to (at boot: the network is not up yet; try again); ERR_LB_PORT somebody else's virtual service has the
 *   address and port; ERR_LB_DENIED
 */
export type PrepareNode = (spec: BalancerSpec, options?: SurroundingsOptions) => Promise<Prepared>;

/** Undoes `prepareNode` and takes the table of members out too; sentences that say what was undone. Idempotent. @throws SealError ERR_LB_DENIED */
export type RestoreNode = (spec: BalancerSpec, options?: SurroundingsOptions) => Promise<readonly string[]>;

/** Looks, and changes nothing. */
export type InspectNode = (spec: BalancerSpec, options?: SurroundingsOptions) => Promise<readonly Finding[]>;
