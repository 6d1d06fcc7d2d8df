import type {DestinationState, IpvsTable, ServiceState} from '../../lib/lb/ipvs/table.js';
import {memberKey} from '../../lib/lb/spec.js';

const traffic = {connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n};

/** IPVS with one service, in memory: it refuses what the kernel refuses. */
export function ipvsModel(): IpvsTable & {
	readonly members: Map<string, DestinationState>;
	flush(): void;
	refuse: Error | undefined;
} {
	const members = new Map<string, DestinationState>();
	let service: ServiceState | undefined;
	const model = {
		members,
		refuse: undefined as Error | undefined,
		flush() {
			service = undefined;
			members.clear();
		},
		services: () => (service === undefined ? [] : [service]),
		service() {
			if (model.refuse !== undefined) throw model.refuse;
			return service;
		},
		destinations: () => [...members.values()],
		addService(added: Parameters<IpvsTable['addService']>[0]) {
			service = {...added, traffic};
		},
		editService(edited: Parameters<IpvsTable['editService']>[0]) {
			service = {...edited, traffic};
		},
		deleteService: () => model.flush(),
		addDestination(_: unknown, destination: Parameters<IpvsTable['addDestination']>[1]) {
			const key = memberKey(destination);
			if (members.has(key)) throw new Error(`${key} is there already`);
			members.set(key, {...destination, activeConnections: 0, inactiveConnections: 0, traffic});
		},
		editDestination(_: unknown, destination: Parameters<IpvsTable['editDestination']>[1]) {
			const key = memberKey(destination);
			const found = members.get(key);
			if (found === undefined) throw new Error(`${key} is not there`);
			members.set(key, {...found, ...destination});
		},
		deleteDestination(_: unknown, key: Parameters<IpvsTable['deleteDestination']>[1]) {
			if (!members.delete(memberKey(key))) throw new Error(`${memberKey(key)} is not there`);
		},
		close() {},
	};
	return model;
}
