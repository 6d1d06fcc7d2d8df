import {hasCode} from '../../core/errors.js';
import {endpointText} from '../../core/ip-address.js';
import {openIpvs} from '../ipvs/kernel.js';
import type {Routes} from '../netlink/route.js';
import {openNftablesForm} from '../nftables/table.js';
import type {BalancerSpec} from '../spec.js';
import {ipvsForm} from '../table.js';
import type {Memory} from './memory.js';
import {runsIpvs} from './modules.js';
import type {SurroundingsOptions} from './options.js';
import {forgetPods, isMissing} from './pods.js';

/** What belongs to one virtual address: its members, its masquerade, its route. Not the service of IPVS when it `isOthers`. In this order, so that connections are refused and do not wander. */
export async function undo(
	{service, masquerade}: Memory,
	routes: Routes,
	{root = '/', signal}: SurroundingsOptions,
	isOthers = false,
): Promise<readonly string[]> {
	if (service === undefined) return [];
	const undone: string[] = [];
	if (!isOthers && (await runsIpvs(root))) {
		const table = ipvsForm(service, await openIpvs());
		try {
			if (table.remove()) undone.push(`removed the virtual service ${endpointText(service)}`);
		} finally {
			table.close();
		}
	}
	if (await forgetShares(service)) undone.push(`removed the members of ${endpointText(service)} from nftables`);
	if (await forgetPods(service, masquerade, signal)) undone.push(`ended the masquerade for ${endpointText(service)}`);
	if (routes.deleteLocal(service.address)) undone.push(`deleted the route to ${service.address}`);
	return undone;
}

/** Takes the members out of nftables; false when there are none, or no nftables. @throws SealError */
export async function forgetShares(service: Endpoint): Promise<boolean> {
	try {
		const table = await openNftablesForm({...service, scheduler: 'rr'});
		try {
			return table.remove();
		} finally {
			table.close();
		}
	} catch (error) {
		if (isMissing(error) || hasCode(error, 'ERR_NFTABLES')) return false;
		throw error;
	}
}

type Endpoint = Pick<BalancerSpec, 'address' | 'port'>;
