import type {HostFacts} from '../facts/facts.js';
import {type FleetCheck, type HostCheck, seen} from './check.js';

/** Does the host have a name and an identity of its own? */
export const identityChecks: readonly HostCheck[] = [
	{
		id: 'hostname-invalid',
		severity: 'error',
		why: 'Nodes are registered under the names of their hosts, which have to be names that DNS allows.',
		mend: 'Set another name with hostnamectl set-hostname: small letters, digits and hyphens.',
		look: ({identity: {hostname}}) => {
			if (hostname === '') return ['The host has no name'];
			if (/^localhost(?:\.|$)/i.test(hostname)) return [{what: 'The host has no name of its own', detail: hostname}];
			const valid =
				hostname.length <= 253 &&
				hostname.split('.').every(label => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
			if (!valid) return [{what: 'The name of the host is none that DNS allows', detail: hostname}];
			return seen(hostname !== hostname.toLowerCase(), () => ({
				what: 'The name of the host has capital letters, and the node will be called without them',
				detail: hostname,
				severity: 'warning',
			}));
		},
	},
	{
		id: 'hostname-unresolvable',
		severity: 'warning',
		why: 'Programs that look for their own host under its name wait for an answer that cannot come.',
		mend: "Put the host's address and name into /etc/hosts.",
		look: ({identity, network}) =>
			seen(identity.hostname !== '' && identity.hostsEntries.length === 0 && network.nameServers.length === 0, () => ({
				what: 'The name of the host is not in /etc/hosts, and there is no name server',
				detail: identity.hostname,
			})),
	},
	{
		id: 'machine-id-missing',
		severity: 'warning',
		why: 'Network services and logs tell hosts apart by /etc/machine-id.',
		mend: 'Run systemd-machine-id-setup.',
		look: ({identity, system}) =>
			seen(identity.machineId === undefined && system.init === 'systemd', () => '/etc/machine-id is missing or empty'),
	},
];

/** Is each host another one? */
export const identityFleetChecks: readonly FleetCheck[] = [
	{
		id: 'one-host-twice',
		severity: 'error',
		why: 'Work for two hosts would be done twice on one of them.',
		mend: 'Name each host once.',
		compare: all => shared(all, machineOf, () => 'These are names of one and the same machine'),
	},
	{
		id: 'duplicate-hostname',
		severity: 'error',
		why: 'A second node of the same name takes the place of the first one.',
		mend: 'Give each host a name of its own with hostnamectl set-hostname.',
		compare: all =>
			shared(
				distinct(all),
				facts => facts.identity.hostname.toLowerCase() || undefined,
				name => `Several hosts are called "${name}"`,
			),
	},
	{
		id: 'duplicate-machine-id',
		severity: 'error',
		why: 'Hosts that were cloned with their machine-id get the same addresses from DHCP and the same identity in logs and networks.',
		mend: 'Empty /etc/machine-id on all but one of them, run systemd-machine-id-setup, and restart them.',
		compare: all =>
			shared(
				distinct(all),
				facts => facts.identity.machineId,
				id => `Several hosts have the machine-id ${id}`,
			),
	},
	{
		id: 'duplicate-product-uuid',
		severity: 'error',
		why: 'Kubernetes and storage tell machines apart by the product_uuid of their firmware.',
		mend: 'Give each virtual machine a UUID of its own.',
		compare: all =>
			shared(
				distinct(all),
				facts => facts.identity.productUuid,
				id => `Several hosts have the product_uuid ${id}`,
			),
	},
];

/** Hosts that agree in something that each should have for itself. */
export function shared(
	all: readonly HostFacts[],
	key: (facts: HostFacts) => string | undefined,
	say: (key: string) => string,
): readonly {readonly hosts: readonly string[]; readonly seen: string}[] {
	const groups = new Map<string, string[]>();
	for (const facts of all) {
		const value = key(facts);
		if (value === undefined) continue;
		const group = groups.get(value);
		if (group === undefined) groups.set(value, [facts.host]);
		else group.push(facts.host);
	}
	return [...groups].filter(([, hosts]) => hosts.length > 1).map(([value, hosts]) => ({hosts, seen: say(value)}));
}

/** One entry for each machine: what one machine shares with itself is told once, by `one-host-twice`. */
export function distinct(all: readonly HostFacts[]): readonly HostFacts[] {
	const met = new Set<string>();
	return all.filter(facts => {
		const key = machineOf(facts);
		if (key === undefined) return true;
		const isNew = !met.has(key);
		met.add(key);
		return isNew;
	});
}

/** Containers have the boot id of their kernel in common: only with the same name and machine-id it is the same host. */
function machineOf({identity: {bootId, hostname, machineId}}: HostFacts): string | undefined {
	return bootId === undefined ? undefined : JSON.stringify([bootId, hostname, machineId]);
}
