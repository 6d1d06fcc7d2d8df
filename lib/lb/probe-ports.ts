import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

/** Gives local ports for connections to members, one after the other; undefined: the kernel chooses. */
export type NextPort = () => number | undefined;

/**
 * Ports that the kernel gives to no connection by itself. IPVS leaves a client its port, so that a client of the virtual address with the port of a probe
 * would be, at the member that both speak to, the same connection: the kernel drops its packets as long as the probe keeps its connection, and answers to
 * the probe go to the client.
 * @param root where the system's files begin
 */
export async function openProbePorts(root = '/', random: () => number = Math.random): Promise<NextPort> {
	const file = join(root, 'proc/sys/net/ipv4/ip_local_port_range');
	return portsBeside(await readFile(file, 'latin1').catch(() => ''), random);
}

/** @param range as the kernel writes it: the lowest and the highest port that it gives to connections, of both families */
export function portsBeside(range: string, random: () => number): NextPort {
	const [, lowest, highest] = /^\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(range) ?? [];
	const [first, last] = spareBeside(Number(lowest), Number(highest)) ?? [];
	if (first === undefined || last === undefined) return () => undefined;
	const count = last - first + 1;
	let next = Math.floor(random() * count);
	return () => first + (next++ % count);
}

/** Fewer would be taken by connections of before, which the kernel remembers for a minute. */
const fewest = 256;
/** Services of Kubernetes have ports of the node from here on (service-node-port-range). */
const firstNodePort = 30_000;
/** Below are services of the system, which come and go. */
const firstUnprivileged = 1024;

function spareBeside(lowest: number, highest: number): readonly [number, number] | undefined {
	if (!(lowest <= highest)) return undefined;
	if (65_535 - highest >= fewest) return [highest + 1, 65_535];
	const last = Math.min(lowest, firstNodePort) - 1;
	const first = Math.max(firstUnprivileged, last - 2 * fewest + 1);
	return last - first + 1 >= fewest ? [first, last] : undefined;
}
