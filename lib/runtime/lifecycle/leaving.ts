import {SealError} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {readNetwork} from '../kubeadm/network.js';
import {oldestMinor} from '../kubeadm/version.js';
import {parseCidr} from '../preflight/cidr.js';
import type {HostState} from '../state/host-state.js';
import type {Seen} from './look.js';
import type {ClusterSetting, SettingHost} from './setting.js';
import {nodeNameOf} from './settle.js';
import {addressesOf} from './settle-addresses.js';

/**
 * The hosts that were named to leave, as the cluster knows them, each once. One that came, or left, in a run that was interrupted is not
 * known: it leaves as what it says that it is.
 * @throws HostError ERR_CLUSTER_MEMBER for a host that is not in the cluster, ERR_NODE_NAME for one that says that it is another one,
 * ERR_CLUSTER_ADDRESS for a master whose member of etcd cannot be told
 */
export function leavingHosts(
	setting: ClusterSetting,
	named: readonly HostTarget[],
	{states}: Pick<Seen, 'states'>,
): readonly SettingHost[] {
	const {id, name: cluster, hosts} = setting;
	const found = named.flatMap((target): readonly SettingHost[] => {
		const {name, address, roles} = target;
		const known = hosts.find(host => host.name === name || host.nodeName === name || host.addresses.includes(address));
		if (known !== undefined) return [{...known, isMaster: checkRole(known, roles)}];
		const state = states.get(name);
		if (state?.member !== undefined && state.member.id === id) return [strangerOf(setting, target, state)];
		if (state !== undefined && state.member === undefined) return [];
		throw new HostError(name, 'ERR_CLUSTER_MEMBER', `The host is not in the cluster "${cluster}"`, {
			hint: `Name hosts as the cluster knows them: ${hosts
				.slice(0, 8)
				.map(host => host.name)
				.join(', ')}.`,
		});
	});
	return [...new Map(found.map(host => [host.name, host])).values()];
}

/**
 * The setting of a cluster that goes away: as it is known, with hosts that nobody remembers; or, when nothing is known, of hosts alone.
 * @throws SealError ERR_CLUSTER_UNKNOWN when there are no hosts at all
 */
export function resetSetting(
	name: string,
	named: readonly HostTarget[],
	{known, states}: Pick<Seen, 'known' | 'states'>,
): ClusterSetting {
	const before = known?.setting;
	const strangers = named.filter(target => before?.hosts.some(host => host.name === target.name) !== true);
	const others = strangers.map(target => {
		const {member, facts} = states.get(target.name) ?? {};
		const isMaster = member === undefined ? target.roles.includes('master') : member.role === 'master';
		return settingOf(target.name, isMaster, facts?.identity.hostname.toLowerCase() ?? target.name);
	});
	if (before !== undefined) return {...before, hosts: [...before.hosts, ...others]};
	if (others.length === 0) {
		throw new SealError('ERR_CLUSTER_UNKNOWN', `Nothing is known here of a cluster "${name}"`, {
			hint: 'Name its hosts with --masters and --nodes.',
		});
	}
	const ids = new Set([...states.values()].flatMap(({member}) => (member?.cluster === name ? [member.id] : [])));
	const [id = '0'.repeat(16), other] = ids;
	if (other !== undefined) {
		throw new SealError('ERR_CLUSTER_STATE', `The hosts are in different clusters that are called "${name}"`, {
			hint: 'Name the hosts of one cluster.',
			details: {ids: [...ids]},
		});
	}
	return {...nothingKnown, name, id, hosts: others};
}

/** What is taken away does not depend on what it was. */
const nothingKnown: Omit<ClusterSetting, 'name' | 'id' | 'hosts'> = {
	version: {text: `v1.${oldestMinor}.0`, minor: oldestMinor, patch: 0},
	network: readNetwork([]),
	proxyMode: 'iptables',
	keyAlgorithm: 'ecdsa-p256',
	apiNames: [],
	images: [],
	env: {},
	configs: [],
	kubeadm: [],
};

/** What a host says of itself decides which node is drained and deleted: it must not be that of another host. */
function strangerOf({network, hosts}: ClusterSetting, target: HostTarget, {member, facts}: HostState): SettingHost {
	const nodeName = nodeNameOf(facts);
	const other = hosts.find(host => host.nodeName === nodeName);
	if (other !== undefined) {
		throw new HostError(
			target.name,
			'ERR_NODE_NAME',
			`The host is called ${nodeName}, as ${other.name} of the cluster`,
			{
				hint: `Name it ${other.name} if it is that host; else give it a name of its own with hostnamectl set-hostname.`,
			},
		);
	}
	const host = settingOf(target.name, member?.role === 'master', nodeName);
	if (!host.isMaster) return host;
	const families = network.pods.map(pods => parseCidr(pods).family);
	const wish = {reached: target.address, virtual: [network.virtualAddress]};
	const addresses = addressesOf(facts, wish, families);
	const taken = hosts.find(one => one.addresses.some(address => addresses.includes(address)));
	if (taken === undefined) return {...host, addresses};
	throw new HostError(target.name, 'ERR_HOST_DUPLICATE', `The host has an address of ${taken.name} of the cluster`, {
		hint: `Name it ${taken.name} if it is that host; else take that address from it.`,
	});
}

function settingOf(name: string, isMaster: boolean, nodeName: string): SettingHost {
	return {
		name,
		nodeName,
		addresses: [],
		isMaster,
		platform: 'linux/amd64',
		roles: [isMaster ? 'master' : 'node'],
		env: {},
		hasCgroupV1: false,
	};
}

/** Who names a master as a node may mean another host. */
function checkRole({name, isMaster}: SettingHost, roles: readonly string[]): boolean {
	if (roles.length === 0 || roles.includes(isMaster ? 'master' : 'node')) return isMaster;
	throw new HostError(name, 'ERR_HOST_ROLES', `The host is ${isMaster ? 'a master' : 'a node'} of the cluster`, {
		hint: `Name it with ${isMaster ? '--masters' : '--nodes'}.`,
	});
}
