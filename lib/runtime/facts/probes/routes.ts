import type {Answers} from '../answers.js';
import type {RouteFacts} from '../facts.js';
import {maskLength, readIPv4, readIPv6} from '../hexadecimal.js';
import type {Probe} from '../probe.js';

/** The main routing table as /proc shows it; routes to single addresses are left out, for a node has one for each container. */
export const routesProbe: Probe<readonly RouteFacts[]> = {
	script: () => `pick '^[^[:space:]]+[[:space:]]+[0-9A-F]{8}[[:space:]]+[0-9A-F]{8}[[:space:]]' /proc/net/route
pick '^[0-9a-f]{32} [0-7][0-9a-f] ' /proc/net/ipv6_route`,
	read: answers => [...ipv4Routes(answers), ...ipv6Routes(answers)].slice(0, 1024),
};

const reject = 0x200;

/** Columns: interface, destination, gateway, flags, reference count, use, metric, mask. */
export function ipv4Routes(answers: Answers): readonly RouteFacts[] {
	return answers.lines('/proc/net/route').flatMap(line => {
		const [name, destination = '', gateway = '', flags = '', , , metric = '', mask = ''] = line.trim().split(/\s+/);
		const network = readIPv4(destination);
		const length = maskLength(mask);
		if (name === undefined || network === undefined || length === undefined || length === 32) return [];
		if ((Number.parseInt(flags, 16) & reject) !== 0) return [];
		const via = readIPv4(gateway);
		return [
			{
				to: length === 0 ? 'default' : `${network}/${length}`,
				family: 4 as const,
				interface: name,
				...(via === undefined || via === '0.0.0.0' ? {} : {via}),
				metric: Number.parseInt(metric, 10) || 0,
			},
		];
	});
}

/** Columns: destination, length, source, its length, next hop, metric, reference count, use, flags, interface. */
function ipv6Routes(answers: Answers): readonly RouteFacts[] {
	return answers.lines('/proc/net/ipv6_route').flatMap(line => {
		const [destination = '', bits = '', , , hop = '', metric = '', , , flags = '', name] = line.trim().split(/\s+/);
		const network = readIPv6(destination, 'plain');
		const length = Number.parseInt(bits, 16);
		if (name === undefined || network === undefined || Number.isNaN(length) || length >= 128) return [];
		// Loopback, link-local and multicast networks are on every host, and the kernel ends its table with a refusal.
		if (name === 'lo' || /^f(?:f|e[89ab])/.test(network) || (Number.parseInt(flags, 16) & reject) !== 0) return [];
		const via = readIPv6(hop, 'plain');
		return [
			{
				to: length === 0 ? 'default' : `${network}/${length}`,
				family: 6 as const,
				interface: name,
				...(via === undefined || via === '::' ? {} : {via}),
				metric: Number.parseInt(metric, 16) || 0,
			},
		];
	});
}
