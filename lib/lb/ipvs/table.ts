/** A virtual service: what arrives at `address:port` is shared out. IPv6 addresses are written as the kernel's text form, without brackets. */
export interface VirtualService {
	readonly protocol: 'tcp' | 'udp' | 'sctp';
	readonly address: string;
	readonly port: number;
	/** `rr`, `wlc`, ...: the name of a scheduler module without `ip_vs_`. */
	readonly scheduler: string;
	/** Undefined: connections of one client may go to different members. */
	readonly persistenceMs?: number | undefined;
}

/** Where a service's connections go. Its key is address and port. */
export interface Destination {
	readonly address: string;
	readonly port: number;
	readonly forwarding: 'masquerade' | 'local' | 'tunnel' | 'route' | 'bypass';
	/** 0: no new connections, those there go on. */
	readonly weight: number;
}

export interface DestinationState extends Destination {
	readonly activeConnections: number;
	readonly inactiveConnections: number;
	readonly traffic: Traffic;
}

/** Sums since the service or destination was made. */
export interface Traffic {
	readonly connections: bigint;
	readonly packetsIn: bigint;
	readonly packetsOut: bigint;
	readonly bytesIn: bigint;
	readonly bytesOut: bigint;
}

export interface ServiceState extends VirtualService {
	readonly traffic: Traffic;
}

/** What identifies a service. */
export type ServiceKey = Pick<VirtualService, 'protocol' | 'address' | 'port'>;
export type DestinationKey = Pick<Destination, 'address' | 'port'>;

/** IPVS in the kernel, or a model of it in tests. Refusals are SealErrors with codes of their own. */
export interface IpvsTable {
	services(): readonly ServiceState[];
	/** Undefined when there is no such service. */
	service(key: ServiceKey): ServiceState | undefined;
	/** @throws SealError ERR_IPVS_SERVICE_UNKNOWN */
	destinations(service: ServiceKey): readonly DestinationState[];
	addService(service: VirtualService): void;
	editService(service: VirtualService): void;
	deleteService(service: ServiceKey): void;
	addDestination(service: ServiceKey, destination: Destination): void;
	editDestination(service: ServiceKey, destination: Destination): void;
	deleteDestination(service: ServiceKey, destination: DestinationKey): void;
	close(): void;
}
