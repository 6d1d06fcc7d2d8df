import {isIP} from 'node:net';
import {SealError} from '../../core/errors.js';
import {bracketed} from '../host/address.js';
import {HostError} from '../host/error.js';
import {canonicalName} from '../pki/alternative-names.js';
import type {Circumstances} from '../pki/authority.js';
import type {MirrorState} from './observe.js';
import {defaultRegistryPort} from './places.js';
import {type MirrorShared, shareAmong} from './shared.js';

/** A host that gets a registry. */
export interface MirrorHost {
	readonly name: string;
	/** How the operator reaches it. */
	readonly address: string;
	/** Masters give their content to all others; the registries of other hosts are for themselves. */
	readonly isMaster: boolean;
	readonly state: MirrorState;
}

export interface MirrorPlanOptions extends Circumstances {
	/** On loopback of every host and on the address of masters. Default 5443. */
	readonly port?: number | undefined;
	/** Under which address the others reach a master, by its name; default: the one that the operator uses, if it is the host's own. */
	readonly addresses?: ReadonlyMap<string, string> | undefined;
	/** Hosts may lack the agent: it will be installed before anything of the plan is done. Default false. */
	readonly agentComes?: boolean | undefined;
}

/** What each host has to know of the others. */
export interface MirrorSetting {
	readonly shared: MirrorShared;
	/** Of the registries of masters, by their names. */
	readonly urls: ReadonlyMap<string, string>;
	readonly port: number;
	readonly options: MirrorPlanOptions;
}

/**
 * Takes from the masters what they have, and makes what none has.
 * @throws SealError ERR_MIRROR_CONFLICT, ERR_HOSTS_MISSING without a master; HostError ERR_MIRROR_INSTALL for one without an address
 */
export async function settle(masters: readonly MirrorHost[], options: MirrorPlanOptions): Promise<MirrorSetting> {
	if (masters.length === 0) {
		throw new SealError('ERR_HOSTS_MISSING', 'No host has the role master', {
			hint: 'Name the masters with --masters, or with a Clusterfile: they hold what the others ask for.',
		});
	}
	const {port = defaultRegistryPort} = options;
	const urls = new Map(masters.map(host => [host.name, `https://${bracketed(addressOf(host, options))}:${port}`]));
	return {shared: await shareAmong(masters, options), urls, port, options};
}

/**
 * Under which address the others reach a master. Behind a jump host or a forwarded port the operator's address is not the host's.
 * @throws HostError ERR_MIRROR_INSTALL
 */
export function addressOf({name, address, state}: MirrorHost, {addresses}: MirrorPlanOptions): string {
	const chosen = addresses?.get(name);
	const own = state.addresses.filter(one => isIP(one) !== 0);
	const found = chosen ?? (own.includes(address) ? address : own[0]);
	if (found !== undefined && isIP(found) !== 0) return canonicalName(found);
	const why = chosen === undefined ? 'The host has no address that others could reach' : `${chosen} is no IP address`;
	throw new HostError(name, 'ERR_MIRROR_INSTALL', why, {hint: `Say which one with --address ${name}=ADDRESS.`});
}
