import {openIpvs} from '../ipvs/kernel.js';
import {type BalancerSpec, memberKey} from '../spec.js';

/** The members of a virtual service of that address and port in IPVS that has none of ours, and so is somebody else's; undefined when there is no such. */
export async function othersService(
	spec: Pick<BalancerSpec, 'address' | 'port' | 'members'>,
): Promise<readonly string[] | undefined> {
	const ipvs = await openIpvs();
	try {
		const key = {protocol: 'tcp', address: spec.address, port: spec.port} as const;
		if (ipvs.service(key) === undefined) return undefined;
		const ours = new Set(spec.members.map(memberKey));
		const found = ipvs.destinations(key).map(memberKey);
		return found.some(member => ours.has(member)) ? undefined : found;
	} finally {
		ipvs.close();
	}
}
