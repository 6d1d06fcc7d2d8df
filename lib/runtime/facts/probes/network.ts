import {type Answers, count} from '../answers.js';
import type {InterfaceFacts} from '../facts.js';
import {readIPv6} from '../hexadecimal.js';
import type {Probe} from '../probe.js';
import {ipv4Routes} from './routes.js';

/**
 * Interfaces and their addresses. `ip` knows both in one go; where it is missing, the kernel's routing trie and its list of
 * IPv6 addresses tell. Interfaces of containers are left out: a busy node has hundreds.
 */
export const networkProbe: Probe<readonly InterfaceFacts[]> = {
	script: () => `if has ip; then say address "$(ip -o addr show scope global 2>/dev/null)"
else
want /proc/net/if_inet6
pick '[|]-- |/32 host LOCAL' /proc/net/fib_trie
fi
number=0
set +f
for path in /sys/class/net/*; do
case \${path##*/} in lo | veth* | cali* | lxc* | tap* | vnet* | '*') continue ;; esac
number=$((number + 1))
[ $number -le 128 ] || break
tell interface "\${path##*/}"
[ ! -e "$path/device" ] || tell hardware "\${path##*/}"
want "$path/address" "$path/mtu" "$path/operstate"
done
set -f`,
	read: answers => {
		const addresses = groupByInterface([...readAddresses(answers), ...readTrie(answers), ...readInet6(answers)]);
		const hardware = new Set(answers.said('hardware'));
		const names = new Set([...answers.said('interface'), ...addresses.keys()]);
		return [...names]
			.map(name => describe(name, addresses.get(name) ?? [], hardware.has(name), answers))
			.filter(found => found.hardware || found.addresses.length > 0);
	},
};

/** An interface and one address in CIDR form. */
type Held = readonly [name: string, address: string];

function describe(name: string, addresses: readonly string[], hardware: boolean, answers: Answers): InterfaceFacts {
	const folder = `/sys/class/net/${name}`;
	const mac = answers.line(`${folder}/address`);
	const mtu = count(answers.line(`${folder}/mtu`));
	const state = answers.line(`${folder}/operstate`);
	return {
		name,
		addresses,
		...(mac !== undefined && /^[0-9a-f:]{17}$/.test(mac) && mac !== '00:00:00:00:00:00' ? {mac} : {}),
		...(mtu === undefined ? {} : {mtu}),
		...(state === undefined ? {} : {state}),
		hardware,
	};
}

function groupByInterface(all: readonly Held[]): Map<string, string[]> {
	const groups = new Map<string, string[]>();
	for (const [name, address] of all.slice(0, 2000)) {
		const group = groups.get(name);
		if (group === undefined) groups.set(name, [address]);
		else if (!group.includes(address)) group.push(address);
	}
	return groups;
}

/** `2: eth0    inet 10.0.0.5/24 brd ... scope global eth0`; with a peer, the network follows that. */
function readAddresses(answers: Answers): readonly Held[] {
	return answers.said('address').flatMap(line => {
		const match =
			/^\d{1,9}: ([^\s@]{1,15})(?:@\S{1,15})?\s+inet6? ([0-9a-fA-F.:]+)(?: peer [0-9a-fA-F.:]+)?\/(\d{1,3})\s/.exec(
				line,
			);
		return match === null ? [] : [[match[1]!, `${match[2]!}/${match[3]!}`] as const];
	});
}

/** Leaves of the trie that are this host's own. The trie names no interface: the connected network does, and its length. */
function readTrie(answers: Answers): readonly Held[] {
	const connected = ipv4Routes(answers).filter(route => route.via === undefined && route.to !== 'default');
	const found = new Set<string>();
	let leaf = '';
	for (const line of answers.lines('/proc/net/fib_trie')) {
		leaf = /\|-- (\d{1,3}(?:\.\d{1,3}){3})$/.exec(line)?.[1] ?? leaf;
		if (line.includes('/32 host LOCAL') && leaf !== '' && !leaf.startsWith('127.')) found.add(leaf);
	}
	return [...found].map(address => {
		const route = connected.find(candidate => contains(candidate.to, address));
		return route === undefined
			? (['unknown', `${address}/32`] as const)
			: ([route.interface, `${address}/${route.to.split('/')[1]!}`] as const);
	});
}

/** Address, index, length, scope, flags, name; all but the name in hexadecimal. Scope 0 is global. */
function readInet6(answers: Answers): readonly Held[] {
	return answers.lines('/proc/net/if_inet6').flatMap(line => {
		const match = /^([0-9a-f]{32}) [0-9a-f]+ ([0-9a-f]{2}) 00 [0-9a-f]+ +(\S+)$/.exec(line.trim());
		if (match === null) return [];
		return [[match[3]!, `${readIPv6(match[1]!, 'plain') ?? ''}/${Number.parseInt(match[2]!, 16)}`] as const];
	});
}

function contains(network: string, address: string): boolean {
	const [base = '', length = '32'] = network.split('/');
	const shift = 32 - Number(length);
	const number = (text: string): number => text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
	return Math.floor(number(base) / 2 ** shift) === Math.floor(number(address) / 2 ** shift);
}
