import type {ListedHost} from '../host/list.js';
import type {HostLogin, HostTarget} from '../host/target.js';
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

/**
 * The hosts of a cluster that is known, as a list that can be resolved.
 * @param overrides what is given now counts more than what is remembered
 * @param hasFile whether a key that is remembered is still there; one that is not is left out
 */
export function listedHosts(
	{setting, reach}: ClusterState,
	overrides: HostLogin = {},
	hasFile: (path: string) => boolean = () => true,
): readonly ListedHost[] {
	return setting.hosts.map(({name, roles, isMaster}) => {
		const {address, port, user, jumps, identityFiles = []} = reach[name] ?? {address: name};
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
