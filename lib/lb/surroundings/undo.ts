import {endpointText} from '../address.js';
import {openIpvs} from '../ipvs/kernel.js';
import type {Routes} from '../netlink/route.js';
import {ipvsForm} from '../table.js';
import type {Memory} from './memory.js';
import {hasIpvs} from './modules.js';
import type {SurroundingsOptions} from './options.js';
import {forgetPods} from './pods.js';

/** What belongs to one virtual address: its members, its masquerade, its route. In this order, so that connections are refused and do not wander. */
export async function undo(
	{service, masquerade}: Memory,
	routes: Routes,
	{signal}: SurroundingsOptions,
): Promise<readonly string[]> {
	if (service === undefined) return [];
	const undone: string[] = [];
	if (await hasIpvs()) {
		const table = ipvsForm(service, await openIpvs());
		try {
			if (table.remove()) undone.push(`removed the virtual service ${endpointText(service)}`);
		} finally {
			table.close();
		}
	}
	if (await forgetPods(service, masquerade, signal)) undone.push(`ended the masquerade for ${endpointText(service)}`);
	if (routes.deleteLocal(service.address)) undone.push(`deleted the route to ${service.address}`);
	return undone;
}
