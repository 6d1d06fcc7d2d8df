import {access} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists} from '../../../core/io-error.js';
import {endpointText} from '../../../core/ip-address.js';
import {openIpvs} from '../../../lb/ipvs/kernel.js';
import type {IpvsTable, ServiceKey} from '../../../lb/ipvs/table.js';
import type {NodeOptions} from '../../node/changes.js';
import type {NodeSystem} from '../../node/system.js';
import type {Work} from '../../node/work.js';
import {overlap, readCidr} from '../../preflight/cidr.js';
import {addressesIn, proxyLink} from './links.js';
import {reach} from './reach.js';

/** What tells kube-proxy's virtual services from those of others. */
export interface ProxyServices {
	/** Addresses of the interface on which kube-proxy puts those of all its services; undefined when it is not there. */
	readonly onProxyLink: readonly string[] | undefined;
	/** The networks of services. */
	readonly networks: readonly string[];
	/** Of the load balancer: not kube-proxy's, wherever it is. */
	readonly keep: string;
}

/** Takes kube-proxy's virtual services out of the kernel; those of others, and of the load balancer, stay. */
export async function clearServices(
	known: Omit<ProxyServices, 'onProxyLink'>,
	system: NodeSystem,
	work: Work,
	options: NodeOptions & {readonly open?: (() => Promise<IpvsTable>) | undefined},
): Promise<void> {
	const {disk = '/', open = openIpvs} = options;
	if ((await ifExists(() => access(join(disk, 'sys/module/ip_vs')).then(() => true))) !== true) return;
	const shown = await system.run(['ip', '-o', 'addr', 'show', 'dev', proxyLink], options);
	const onProxyLink = shown.code === 0 ? addressesIn(shown.stdout) : undefined;
	await work.attempt('', 'IPVS', async () => {
		const table = await reach(open);
		try {
			for (const service of proxyServices(table.services(), {...known, onProxyLink})) {
				const title = `remove the virtual service ${service.protocol} ${endpointText(service)}`;
				await work.attempt(title, endpointText(service), () => Promise.resolve(table.deleteService(service)));
			}
		} finally {
			table.close();
		}
	});
}

/** A node port has an address of the host: it is kube-proxy's while its interface is there, which nobody else makes. */
export function proxyServices<S extends ServiceKey>(services: readonly S[], known: ProxyServices): readonly S[] {
	const networks = known.networks.flatMap(text => readCidr(text) ?? []);
	const addresses = new Set(known.onProxyLink);
	return services.filter(({address, port}) => {
		if (address === known.keep) return false;
		const own = readCidr(address);
		if (addresses.has(address) || networks.some(network => own !== undefined && overlap(network, own))) return true;
		return known.onProxyLink !== undefined && port >= 30_000 && port <= 32_767;
	});
}
