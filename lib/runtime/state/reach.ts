import type {ListedHost} from '../host/list.js';
import type {HostLogin, HostTarget} from '../host/target.js';
import type {SettingHost} from '../lifecycle/setting.js';
import type {ClusterState, HostReach} from './cluster-state.js';

/** How a host is reached, without what is secret about it. */
export function reachOf({address, login}: HostTarget): HostReach {
	const files = (login.identities ?? []).flatMap(identity => ('file' in identity ? [identity.file] : []));
	return {
		address,
		...(login.port === undefined ? {} : {port: login.port}),
		...(login.user === undefined ? {} : {user: login.user}),
		...(login.jumps === undefined || login.jumps.length === 0 ? {} : {jumps: login.jumps}),
		...(files.length === 0 ? {} : {identityFiles: files}),
	};
}

/** How a host of a cluster is reached; by its own address when nobody said. */
export function wayTo({reach}: ClusterState, {name, addresses}: SettingHost): HostReach {
	const way = Object.hasOwn(reach, name) ? reach[name] : undefined;
	return way ?? {address: addresses[0] ?? name};
}

/**
 * The state with what is remembered of the way to its hosts: what this machine knew before, else what the state says, with the login that
 * let us in to one of them.
 */
export function withLogin(state: ClusterState, {login}: HostTarget, before?: ClusterState): ClusterState {
	const {user, jumps, identityFiles} = reachOf({name: '', address: '', roles: [], login});
	const isSame = before?.setting.id === state.setting.id;
	const reach = Object.entries(state.reach).map(([name, way]): [string, HostReach] => {
		const own = isSame && Object.hasOwn(before.reach, name) ? before.reach[name]! : way;
		const given: Partial<HostReach> = {
			...(user === undefined ? {} : {user}),
			...(jumps === undefined ? {} : {jumps}),
		};
		return [name, {...given, ...own, ...(identityFiles === undefined ? {} : {identityFiles})}];
	});
	return {...state, reach: Object.fromEntries(reach)};
}

/**
 * The hosts of a cluster that is known, as a list that can be resolved.
 * @param overrides what is given now counts more than what is remembered
 * @param hasFile whether a key that is remembered is still there; one that is not is left out
 */
export function listedHosts(
	state: ClusterState,
	overrides: HostLogin = {},
	hasFile: (path: string) => boolean = () => true,
): readonly ListedHost[] {
	return state.setting.hosts.map(host => {
		const {roles, isMaster} = host;
		const {address, port, user, jumps, identityFiles = []} = wayTo(state, host);
		const identities = identityFiles.filter(hasFile).map(file => ({file}));
		const kept: HostLogin = {
			...(user === undefined ? {} : {user}),
			...(jumps === undefined ? {} : {jumps}),
			...(identities.length === 0 ? {} : {identities}),
		};
		const role = isMaster ? 'master' : 'node';
		return {
			address,
			roles: roles.includes(role) ? roles : [role, ...roles],
			// The port is part of the host's name; a port for all hosts does not change it.
			login: {...kept, ...overrides, ...(port === undefined ? {} : {port})},
		};
	});
}
