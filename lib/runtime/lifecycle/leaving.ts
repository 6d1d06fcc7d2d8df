import {SealError} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {readNetwork} from '../kubeadm/network.js';
import {oldestMinor} from '../kubeadm/version.js';
import type {Seen} from './look.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/**
 * The hosts that were named to leave, as the cluster knows them. One that left it before, and was not put back as it was, leaves again.
 * @throws HostError ERR_CLUSTER_MEMBER for a host that is not in the cluster
 */
export function leavingHosts(
	{id, name: cluster, hosts}: ClusterSetting,
	named: readonly HostTarget[],
	{states}: Pick<Seen, 'states'>,
): readonly SettingHost[] {
	return named.flatMap(({name, address, roles}) => {
		const known = hosts.find(host => host.name === name || host.nodeName === name || host.addresses.includes(address));
		if (known !== undefined) return [{...known, isMaster: checkRole(known, roles)}];
		const state = states.get(name);
		if (state?.member !== undefined && state.member.id === id)
			return [settingOf(name, state.member.role === 'master', state.facts.identity.hostname)];
		if (state !== undefined && state.member === undefined) return [];
		throw new HostError(name, 'ERR_CLUSTER_MEMBER', `The host is not in the cluster "${cluster}"`, {
			hint: `Name hosts as the cluster knows them: ${hosts
				.slice(0, 8)
				.map(host => host.name)
				.join(', ')}.`,
		});
	});
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
		return settingOf(target.name, isMaster, facts?.identity.hostname ?? target.name);
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

function settingOf(name: string, isMaster: boolean, hostname: string): SettingHost {
	return {
		name,
		nodeName: hostname.toLowerCase(),
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
