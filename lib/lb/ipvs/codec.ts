import {addressBytes, addressText} from '../../core/ip-address.js';
import {
	type Attributes,
	attribute,
	nested,
	netUint16,
	readAttributes,
	readNetUint16,
	readText,
	readUint16,
	readUint32,
	readUint64,
	sized,
	text,
	uint16,
	uint32,
} from '../netlink/attributes.js';
import {malformed} from '../netlink/message.js';
import type {
	Destination,
	DestinationKey,
	DestinationState,
	ServiceKey,
	ServiceState,
	Traffic,
	VirtualService,
} from './table.js';

// linux/ip_vs.h, the generic netlink interface of IPVS, version 1.
export const ATTR_SERVICE = 1;
export const ATTR_DESTINATION = 2;

const SERVICE_FAMILY = 1;
const SERVICE_PROTOCOL = 2;
const SERVICE_ADDRESS = 3;
const SERVICE_PORT = 4;
const SERVICE_FWMARK = 5;
const SERVICE_SCHEDULER = 6;
const SERVICE_FLAGS = 7;
const SERVICE_TIMEOUT = 8;
const SERVICE_NETMASK = 9;
const SERVICE_STATS = 10;
const SERVICE_STATS64 = 12;

const DESTINATION_ADDRESS = 1;
const DESTINATION_PORT = 2;
const DESTINATION_FORWARDING = 3;
const DESTINATION_WEIGHT = 4;
const DESTINATION_UPPER_THRESHOLD = 5;
const DESTINATION_LOWER_THRESHOLD = 6;
const DESTINATION_ACTIVE = 7;
const DESTINATION_INACTIVE = 8;
const DESTINATION_STATS = 10;
const DESTINATION_FAMILY = 11;
const DESTINATION_STATS64 = 12;

const AF_INET = 2;
const AF_INET6 = 10;
const protocols = {tcp: 6, udp: 17, sctp: 132} as const;
/** IP_VS_CONN_F_FWD_MASK: the lowest three bits of the connection flags. */
const forwardings = ['masquerade', 'local', 'tunnel', 'route', 'bypass'] as const;
const PERSISTENT = 1;
const allFlags = 0xffffffff;

/** The nested attribute that names a service, enough to delete it or to list its destinations. */
export function encodeServiceKey(key: ServiceKey): Buffer {
	return nested(ATTR_SERVICE, keyAttributes(key));
}

export function encodeService(service: VirtualService): Buffer {
	const flags = Buffer.alloc(8);
	flags.writeUInt32LE(service.persistenceMs === undefined ? 0 : PERSISTENT, 0);
	flags.writeUInt32LE(allFlags, 4);
	return nested(ATTR_SERVICE, [
		...keyAttributes(service),
		text(SERVICE_SCHEDULER, service.scheduler),
		attribute(SERVICE_FLAGS, flags),
		// Seconds; the kernel wants the attribute even where it means nothing.
		uint32(SERVICE_TIMEOUT, Math.round((service.persistenceMs ?? 0) / 1000)),
		// Groups clients for persistence: a mask for IPv4, a prefix length for IPv6; here every client is its own.
		uint32(SERVICE_NETMASK, service.address.includes(':') ? 128 : 0xffffffff),
	]);
}

export function encodeDestinationKey({address, port}: DestinationKey): Buffer {
	return nested(ATTR_DESTINATION, destinationKey(address, port));
}

export function encodeDestination({address, port, forwarding, weight}: Destination): Buffer {
	return nested(ATTR_DESTINATION, [
		...destinationKey(address, port),
		uint32(DESTINATION_FORWARDING, forwardings.indexOf(forwarding)),
		uint32(DESTINATION_WEIGHT, weight),
		uint32(DESTINATION_UPPER_THRESHOLD, 0),
		uint32(DESTINATION_LOWER_THRESHOLD, 0),
	]);
}

/** Undefined for what is no virtual service by address: those by firewall mark are not ours to speak of. @throws SealError ERR_NETLINK */
export function decodeService(answer: Attributes): ServiceState | undefined {
	const attributes = readAttributes(answer.get(ATTR_SERVICE) ?? Buffer.alloc(0));
	if (attributes.has(SERVICE_FWMARK)) return undefined;
	const number = readUint16(attributes, SERVICE_PROTOCOL);
	const protocol = (Object.keys(protocols) as (keyof typeof protocols)[]).find(name => protocols[name] === number);
	if (protocol === undefined) return undefined;
	const isPersistent = (sized(attributes, SERVICE_FLAGS, 8).readUInt32LE(0) & PERSISTENT) !== 0;
	return {
		protocol,
		address: readAddress(attributes, SERVICE_ADDRESS, readUint16(attributes, SERVICE_FAMILY)),
		port: readNetUint16(attributes, SERVICE_PORT),
		scheduler: readText(attributes, SERVICE_SCHEDULER),
		...(isPersistent ? {persistenceMs: readUint32(attributes, SERVICE_TIMEOUT) * 1000} : {}),
		traffic: readTraffic(attributes, SERVICE_STATS64, SERVICE_STATS),
	};
}

/** @param family of the service, for kernels that do not tell each destination's own (before 3.18) */
export function decodeDestination(answer: Attributes, family: number): DestinationState {
	const attributes = readAttributes(answer.get(ATTR_DESTINATION) ?? Buffer.alloc(0));
	const own = attributes.has(DESTINATION_FAMILY) ? readUint16(attributes, DESTINATION_FAMILY) : family;
	const forwarding = forwardings[readUint32(attributes, DESTINATION_FORWARDING) & 7];
	if (forwarding === undefined) throw malformed('a destination is forwarded in a way that is not known');
	return {
		address: readAddress(attributes, DESTINATION_ADDRESS, own),
		port: readNetUint16(attributes, DESTINATION_PORT),
		forwarding,
		weight: readUint32(attributes, DESTINATION_WEIGHT) | 0,
		activeConnections: readUint32(attributes, DESTINATION_ACTIVE),
		inactiveConnections: readUint32(attributes, DESTINATION_INACTIVE),
		traffic: readTraffic(attributes, DESTINATION_STATS64, DESTINATION_STATS),
	};
}

export function familyOf(address: string): number {
	return address.includes(':') ? AF_INET6 : AF_INET;
}

function keyAttributes({protocol, address, port}: ServiceKey): Buffer[] {
	return [
		uint16(SERVICE_FAMILY, familyOf(address)),
		uint16(SERVICE_PROTOCOL, protocols[protocol]),
		attribute(SERVICE_ADDRESS, wideAddress(address)),
		netUint16(SERVICE_PORT, port),
	];
}

function destinationKey(address: string, port: number): Buffer[] {
	return [
		uint16(DESTINATION_FAMILY, familyOf(address)),
		attribute(DESTINATION_ADDRESS, wideAddress(address)),
		netUint16(DESTINATION_PORT, port),
	];
}

/** union nf_inet_addr: always 16 bytes, IPv4 in the first four. */
function wideAddress(address: string): Buffer {
	return Buffer.concat([addressBytes(address), Buffer.alloc(16)], 16);
}

function readAddress(attributes: Attributes, type: number, family: number): string {
	if (family !== AF_INET && family !== AF_INET6) throw malformed(`an address is of family ${family}`);
	return addressText(sized(attributes, type, family === AF_INET ? 4 : 16).subarray(0, family === AF_INET ? 4 : 16));
}

/** 64-bit counters where the kernel has them (4.1 and newer). */
function readTraffic(attributes: Attributes, wide: number, narrow: number): Traffic {
	const wideStats = attributes.get(wide);
	if (wideStats !== undefined) {
		const stats = readAttributes(wideStats);
		const [connections, packetsIn, packetsOut, bytesIn, bytesOut] = [1, 2, 3, 4, 5].map(type =>
			readUint64(stats, type),
		);
		return {
			connections: connections ?? 0n,
			packetsIn: packetsIn ?? 0n,
			packetsOut: packetsOut ?? 0n,
			bytesIn: bytesIn ?? 0n,
			bytesOut: bytesOut ?? 0n,
		};
	}
	const stats = readAttributes(attributes.get(narrow) ?? Buffer.alloc(0));
	return {
		connections: BigInt(readUint32(stats, 1)),
		packetsIn: BigInt(readUint32(stats, 2)),
		packetsOut: BigInt(readUint32(stats, 3)),
		bytesIn: readUint64(stats, 4),
		bytesOut: readUint64(stats, 5),
	};
}
