import {openIpvs} from './ipvs/kernel.js';
import type {IpvsTable, ServiceKey} from './ipvs/table.js';
import {openNftablesForm} from './nftables/table.js';
import type {KernelView, Operation} from './reconcile.js';
import type {BalancerSpec} from './spec.js';

/** Who in the kernel does the balancing: IPVS, or nftables where the kernel has no IPVS. */
export type Form = 'ipvs' | 'nftables';

/** The kernel's table for one virtual address, and nothing else: what others keep in the kernel is never touched. */
export interface BalancerTable {
	readonly form: Form;
	/** What `reconcile` wants to know. @throws SealError */
	read(): KernelView;
	/** In this order; stops at the first refusal, which the next round sees and mends. @throws SealError ERR_IPVS_*, ERR_NFTABLES */
	apply(operations: readonly Operation[]): void;
	/** Takes the service and its members out of the kernel; true when there was something to take out. */
	remove(): boolean;
	close(): void;
}

/**
 * The table for a spec, in the network namespace of the process.
 * @throws SealError ERR_NETLINK_FAMILY when the kernel has not got what the form wants: `prepareNode` sees to that; ERR_NETLINK
 */
export async function openTable(spec: BalancerSpec, form: Form): Promise<BalancerTable> {
	return form === 'ipvs' ? ipvsForm(spec, await openIpvs()) : openNftablesForm(spec);
}

/** The same interface over IPVS, or over a model of it. */
export function ipvsForm({address, port}: Pick<BalancerSpec, 'address' | 'port'>, ipvs: IpvsTable): BalancerTable {
	const key: ServiceKey = {protocol: 'tcp', address, port};
	return {
		form: 'ipvs',
		read() {
			const service = ipvs.service(key);
			return {service, destinations: service === undefined ? [] : ipvs.destinations(key)};
		},
		apply(operations) {
			for (const operation of operations) applyTo(ipvs, key, operation);
		},
		remove() {
			if (ipvs.service(key) === undefined) return false;
			ipvs.deleteService(key);
			return true;
		},
		close: () => ipvs.close(),
	};
}

function applyTo(ipvs: IpvsTable, key: ServiceKey, operation: Operation): void {
	switch (operation.do) {
		case 'add-service':
			ipvs.addService(operation.service);
			break;
		case 'edit-service':
			ipvs.editService(operation.service);
			break;
		case 'add-member':
			ipvs.addDestination(key, operation.destination);
			break;
		case 'edit-member':
			ipvs.editDestination(key, operation.destination);
			break;
		case 'delete-member':
			ipvs.deleteDestination(key, operation.member);
			break;
	}
}
