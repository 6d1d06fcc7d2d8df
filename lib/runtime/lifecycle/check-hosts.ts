import {overlap, readCidr} from '../preflight/cidr.js';
import {about, type Problem} from './problem.js';
import type {SettingHost} from './setting.js';
import type {Situation} from './situation.js';

/** Is each host one host, and free for the cluster? */
export function checkHosts(situation: Situation): readonly Problem[] {
	if (situation.request.verb === 'reset') return checkLeaving(situation);
	return [
		...checkRoles(situation),
		...checkNames(situation),
		...checkPosing(situation),
		...checkRenamed(situation),
		...checkChanges(situation),
		...checkMachines(situation),
		...checkTaken(situation),
		...checkSilent(situation),
		...checkLeaving(situation),
	];
}

/** A host that is named once for each of two roles is told as that, and not as a host named twice. */
function checkRoles({request: {wanted}}: Situation): readonly Problem[] {
	const named = groups(wanted.hosts, ({name}) => name).filter(([, hosts]) => hosts.length > 1);
	const isTorn = (hosts: readonly SettingHost[]): boolean => new Set(hosts.map(({isMaster}) => isMaster)).size > 1;
	const torn = wanted.hosts.filter(({roles}) => roles.includes('master') && roles.includes('node'));
	const inTwo = [...named.filter(([, hosts]) => isTorn(hosts)).map(([name]) => name), ...torn.map(({name}) => name)];
	const twice = named.filter(([, hosts]) => !isTorn(hosts)).map(([name]) => name);
	return [
		...about([...new Set(inTwo)], {
			severity: 'error',
			code: 'ERR_HOST_ROLES',
			message: 'The host is named as a master and as a node',
			hint: 'Name it once: a cluster without nodes lets masters do their work.',
		}),
		...about(twice, {
			severity: 'error',
			code: 'ERR_HOST_DUPLICATE',
			message: 'The host is named several times',
			hint: 'Name each host once.',
		}),
	];
}

function checkNames({request: {wanted}}: Situation): readonly Problem[] {
	const hosts = groups(wanted.hosts, ({name}) => name).map(([, [host]]) => host!);
	const sameName = groups(hosts, ({nodeName}) => nodeName).filter(([, all]) => all.length > 1);
	const owners = new Map<string, string[]>();
	for (const {name, addresses} of hosts)
		for (const address of new Set(addresses)) owners.set(address, [...(owners.get(address) ?? []), name]);
	return [
		...sameName.flatMap(([nodeName, all]) =>
			about(
				all.map(({name}) => name),
				{
					severity: 'error',
					code: 'ERR_NODE_NAME',
					message: `The node of each would be called ${nodeName}`,
					hint: 'Give each host a name of its own with hostnamectl set-hostname.',
				},
			),
		),
		...[...owners].flatMap(([address, names]) =>
			about(names.length > 1 ? names : [], {
				severity: 'error',
				code: 'ERR_HOST_DUPLICATE',
				message: `The address ${address} is that of each of them`,
				hint: 'Name each host once, by an address of its own.',
			}),
		),
	];
}

/**
 * A node says itself what it is called and which addresses it has, and gets a certificate with them that every client of the cluster trusts:
 * with those of API servers it could pose as one.
 */
function checkPosing({request: {wanted}}: Situation): readonly Problem[] {
	const {network, apiNames, hosts} = wanted;
	const {services, virtualAddress, dnsDomain} = network;
	const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${dnsDomain}`];
	const taken = new Set([...service, 'localhost', virtualAddress, ...apiNames]);
	const networks = services.flatMap(text => readCidr(text) ?? []);
	const isOfServices = (text: string): boolean => {
		const address = readCidr(text);
		return address !== undefined && networks.some(network => overlap(network, address));
	};
	return hosts
		.filter(({isMaster}) => !isMaster)
		.flatMap(({name, nodeName, addresses}) => {
			// Who names a host by an address says that it is the host's.
			const posed = [nodeName, ...addresses].find(one => one !== name && (taken.has(one) || isOfServices(one)));
			return about(posed === undefined ? [] : [name], {
				severity: 'error',
				code: 'ERR_NODE_NAME',
				message: `The host says that it is ${posed}, which is a name or an address of the API servers or of services`,
				hint: 'Give the host a name and addresses of its own, and look at who changed them.',
			});
		});
}

/** One that comes and is one that leaves would be joined, and taken out and wiped in the same run. */
function checkRenamed({request: {wanted}, leaving}: Situation): readonly Problem[] {
	const staying = new Set(wanted.hosts.map(({name}) => name));
	const going = leaving.filter(({name}) => !staying.has(name));
	return wanted.hosts.flatMap(({name, nodeName, addresses}) => {
		const same = going.find(host => host.nodeName === nodeName || host.addresses.some(one => addresses.includes(one)));
		return about(same === undefined ? [] : [name], {
			severity: 'error',
			code: 'ERR_HOST_DUPLICATE',
			message: `The host has the name or an address of ${same?.name}, which would leave the cluster`,
			hint: `Name it ${same?.name} if it is that host; if it is a new machine, take the old one out with "sealimage delete" first.`,
		});
	});
}

/** Nodes keep their name, their addresses and their role for as long as they are in the cluster; in one that has not begun, nobody has any. */
function checkChanges({request: {wanted, known}, first}: Situation): readonly Problem[] {
	const before = new Map((first === undefined ? known : undefined)?.setting.hosts.map(host => [host.name, host]));
	return wanted.hosts.flatMap(({name, nodeName, isMaster, addresses}): readonly Problem[] => {
		const was = before.get(name);
		if (was === undefined) return [];
		const role = (host: Pick<SettingHost, 'isMaster'>): string => (host.isMaster ? 'a master' : 'a node');
		return [
			...about(was.isMaster === isMaster ? [] : [name], {
				severity: 'error',
				code: 'ERR_HOST_ROLES',
				message: `The host is ${role(was)} of the cluster, and shall be ${role({isMaster})}`,
				hint: `Take it out with "sealimage delete" first, then add it as ${role({isMaster})}.`,
			}),
			...about(was.nodeName === nodeName ? [] : [name], {
				severity: 'error',
				code: 'ERR_NODE_NAME',
				message: `The node is called ${was.nodeName} in the cluster, and the host ${nodeName}`,
				hint: `Give the host its name back with "hostnamectl set-hostname ${was.nodeName}", or delete and add it.`,
			}),
			...about(was.addresses.join() === addresses.join() ? [] : [name], {
				severity: 'error',
				code: 'ERR_CLUSTER_CHANGED',
				message: `The cluster knows the host by ${was.addresses.join(', ')}, and shall know it by ${addresses.join(', ')}`,
				hint: 'Leave out --address, or delete the host and add it with the new address.',
			}),
		];
	});
}

/** Is the machine behind a name still the one that the cluster knows? */
function checkMachines({settled, hosts, stateOf}: Situation): readonly Problem[] {
	const known = new Map(settled?.setting.hosts.map(host => [host.name, host]));
	return hosts.flatMap((host): readonly Problem[] => {
		const facts = stateOf(host)?.facts;
		const was = known.get(host.name);
		if (facts === undefined || was?.nodeName !== host.nodeName) return [];
		const {architecture} = facts.system;
		const hostname = facts.identity.hostname.trim().toLowerCase();
		const own = facts.network.interfaces.flatMap(one => one.addresses.map(address => address.split('/')[0]));
		const lost = was.addresses.filter(address => !own.includes(address));
		return [
			// What was found again by asking Kubernetes has no variants.
			...about(architecture === host.platform.split('/')[1] ? [] : [host.name], {
				severity: 'error',
				code: 'ERR_PLATFORM',
				message: `The host is ${host.platform} in the cluster, and the machine ${shown(`linux/${architecture}`)}`,
				hint: 'Take it out with "sealimage delete" first, then add the new machine.',
			}),
			...about(hostname === host.nodeName ? [] : [host.name], {
				severity: 'warning',
				code: 'HostRenamed',
				message: `The machine is called ${shown(hostname)}, and its node ${host.nodeName}`,
				hint: `Run "hostnamectl set-hostname ${host.nodeName}" on it, or its kubelet does not come back after a restart.`,
			}),
			...about(lost.length === 0 ? [] : [host.name], {
				severity: 'warning',
				code: 'HostMoved',
				message: `The host has no longer the address ${lost.join(', ')}, by which the cluster knows it`,
				hint: 'Give it that address again, or delete it and add it with the new one.',
			}),
		];
	});
}

function checkTaken({request: {isForced, wanted}, hosts, isTaken, stateOf}: Situation): readonly Problem[] {
	if (isForced === true) return [];
	const taken = groups(hosts.filter(isTaken), host => stateOf(host)?.member?.cluster ?? '');
	return taken.flatMap(([cluster, all]) =>
		about(
			all.map(({name}) => name),
			{
				severity: 'error',
				code: 'ERR_HOST_TAKEN',
				message:
					cluster === ''
						? 'There is a Kubernetes that sealimage did not bring'
						: `The host is in another cluster, which is called ${shown(cluster)}${cluster === wanted.name ? ' too' : ''}`,
				hint: 'Name other hosts, reset that cluster first, or lose what is there with --force.',
			},
		),
	);
}

/** What a host says of itself: shown as short text, whatever is in it. */
function shown(text: string): string {
	return JSON.stringify(text.slice(0, 100));
}

function checkSilent({request: {wanted, states, leaving}, settled}: Situation): readonly Problem[] {
	const inCluster = new Set(settled?.setting.hosts.map(({name}) => name));
	const left = new Set(leaving.map(({name}) => name));
	const silent = wanted.hosts.map(({name}) => name).filter(name => !states.has(name) && !left.has(name));
	return [
		...about(
			silent.filter(name => !inCluster.has(name)),
			{
				severity: 'error',
				code: 'ERR_HOST_UNREACHABLE',
				message: 'The host does not answer, and is not in the cluster yet',
				hint: 'Start it or mend its network, or leave it out.',
			},
		),
		...about(
			silent.filter(name => inCluster.has(name)),
			{
				severity: 'warning',
				code: 'HostSilent',
				message: 'The host does not answer, and is left as it is',
				hint: 'Run the command again when it is back, or take it out with "sealimage delete".',
			},
		),
	];
}

function checkLeaving({request: {states}, leaving, stateOf, isTaken}: Situation): readonly Problem[] {
	const silent = leaving.filter(({name}) => !states.has(name));
	const elsewhere = leaving.filter(host => isTaken(host) && stateOf(host)?.member !== undefined);
	return [
		...about(
			silent.map(({name}) => name),
			{
				severity: 'warning',
				code: 'HostSilent',
				message: 'The host does not answer: it is forgotten, but nothing on it is stopped or put back',
				hint: 'Before it is used again, install it anew, or run "sealimage reset" on it.',
			},
		),
		...about(
			elsewhere.map(({name}) => name),
			{
				severity: 'warning',
				code: 'HostElsewhere',
				message: 'The host is in another cluster by now: it is forgotten, and left as it is',
				hint: 'Nothing needs to be done.',
			},
		),
	];
}

function groups<T>(items: readonly T[], key: (item: T) => string): readonly (readonly [string, readonly T[]])[] {
	const found = new Map<string, T[]>();
	for (const item of items) {
		const group = found.get(key(item));
		if (group === undefined) found.set(key(item), [item]);
		else group.push(item);
	}
	return [...found];
}
