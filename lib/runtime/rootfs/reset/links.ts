import type {NodeOptions} from '../../node/changes.js';
import {type NodeSystem, runOk} from '../../node/system.js';
import type {Work} from '../../node/work.js';
import {formatCidr, overlap, readCidr} from '../../preflight/cidr.js';
import {isComparable} from '../second-look.js';

/** The dummy interface that has the addresses of all services while kube-proxy uses IPVS. */
export const proxyLink = 'kube-ipvs0';

/** Interfaces that pod networks, kube-proxy and the cache of DNS make, by the names that they give them. */
const ourLinks =
	/^(?:cni0|flannel\.\d+|flannel-v6\.\d+|flannel-wg(?:-v6)?|cali[0-9a-f]{11}|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali|kube-ipvs0|kube-bridge|kube-dummy-if|cilium_(?:host|net|vxlan|geneve)|lxc[0-9a-f]{12}|lxc_health|nodelocaldns|weave|vethwe-\w+)$/;

/** Interfaces and routes that a host had before it was prepared: whatever they are called, and wherever they lead, they are not ours. */
export interface LinksBefore {
	readonly links: ReadonlySet<string>;
	/** `10.244.1.0/24 eth1` */
	readonly routes: ReadonlySet<string>;
}

/** @param facts of before, when they were kept */
export function linksOf(facts: unknown): LinksBefore {
	if (!isComparable(facts)) return {links: new Set(), routes: new Set()};
	const {interfaces, routes} = facts.network;
	return {
		links: new Set(interfaces.map(({name}) => name)),
		routes: new Set(routes.map(({to, interface: name}) => routeKey(to, name))),
	};
}

/** Takes routes into the networks of pods, and interfaces of pod networks, off the host. */
export async function clearLinks(
	pods: readonly string[],
	before: LinksBefore,
	system: NodeSystem,
	work: Work,
	options: NodeOptions,
): Promise<void> {
	const {stdout} = await system.run(['ip', '-o', 'link', 'show'], options);
	for (const name of linksIn(stdout).filter(link => !before.links.has(link))) {
		const title = `remove the interface ${name}`;
		await work.attempt(title, name, () => runOk(system, ['ip', 'link', 'delete', 'dev', name], title, options));
	}
	// Behind the interfaces: what leads through them has gone with them.
	for (const family of ['-4', '-6']) {
		const routes = await system.run(['ip', '-o', family, 'route', 'show'], options);
		for (const words of routesInto(routes.stdout, pods, before)) {
			const title = `remove the route ${words.join(' ')}`;
			await work.attempt(title, words.join(' '), () =>
				runOk(system, ['ip', family, 'route', 'delete', ...words], title, options),
			);
		}
	}
}

/** @param shown what `ip -o link show` says */
export function linksIn(shown: string): readonly string[] {
	return shown
		.split('\n')
		.flatMap(line => /^\d+: ([^:@\s]+)[:@]/.exec(line)?.[1] ?? [])
		.filter(name => ourLinks.test(name));
}

/** Routes whose whole target is in a network of pods, as words that name each. @param shown what `ip -o route show` says */
export function routesInto(
	shown: string,
	pods: readonly string[],
	before: Pick<LinksBefore, 'routes'>,
): readonly (readonly string[])[] {
	const networks = pods.flatMap(text => readCidr(text) ?? []);
	return shown.split('\n').flatMap(line => {
		const words = line.trim().split(/\s+/);
		const isKind = ['blackhole', 'unreachable', 'prohibit', 'local'].includes(words[0] ?? '');
		const target = readCidr(words[isKind ? 1 : 0] ?? '');
		const isInside =
			target !== undefined &&
			networks.some(
				network => overlap(network, target) && network.first <= target.first && target.last <= network.last,
			);
		const device = words.includes('dev') ? (words[words.indexOf('dev') + 1] ?? '') : '';
		if (!isInside || before.routes.has(routeKey(words[isKind ? 1 : 0] ?? '', device))) return [];
		const named = words.slice(0, isKind ? 2 : 1);
		for (const key of ['via', 'dev', 'metric']) {
			const value = words[words.indexOf(key) + 1];
			if (words.includes(key) && value !== undefined) named.push(key, value);
		}
		return [named];
	});
}

function routeKey(to: string, device: string): string {
	const target = readCidr(to);
	return `${target === undefined ? to : formatCidr(target)} ${device}`;
}

/** Addresses of an interface, without their prefixes. @param shown what `ip -o addr show` says */
export function addressesIn(shown: string): readonly string[] {
	return [...shown.matchAll(/\sinet6? ([0-9a-f.:]+)(?:\/\d+)?\s/g)].map(([, address = '']) => address);
}
