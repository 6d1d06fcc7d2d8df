import {SealError} from '../../core/errors.js';
import {bracketed, splitHost} from './address.js';
import {checkCount, expandPlace} from './range.js';
import type {HostLogin, HostTarget} from './target.js';

/** One host of a list, before names and logins are settled. */
export interface ListedHost {
	readonly address: string;
	readonly roles: readonly string[];
	/** What the list itself says; it counts more than what is given for all hosts. */
	readonly login: HostLogin;
}

/**
 * Reads a list of hosts: `[user@]host[:port]`, ranges, separated by commas or blanks. `#` begins a comment, so that a file
 * can be one.
 * @throws SealError ERR_HOST_INVALID, ERR_HOST_RANGE
 */
export function parseHostList(text: string, roles: readonly string[] = []): readonly ListedHost[] {
	const hosts: ListedHost[] = [];
	for (const item of text.replace(/(?:^|(?<=\s))#.*$/gm, '').split(/[\s,]+/)) {
		if (item === '') continue;
		const {user, place, port} = splitHost(item);
		const login = {...(user === undefined ? {} : {user}), ...(port === undefined ? {} : {port})};
		for (const address of expandPlace(place, item)) hosts.push({address, roles, login});
		checkCount(hosts.length);
	}
	return hosts;
}

/**
 * The hosts of one run: what is not said of a host comes from `defaults`, names are unique, the order is that of the list.
 * @throws SealError ERR_HOST_DUPLICATE when a machine is there twice, ERR_HOSTS_MISSING when there is none, ERR_HOST_RANGE
 */
export function resolveHosts(listed: readonly ListedHost[], defaults: HostLogin = {}): readonly HostTarget[] {
	if (listed.length === 0) {
		throw new SealError('ERR_HOSTS_MISSING', 'No host was named', {hint: 'Name at least one host.'});
	}
	checkCount(listed.length);
	const machines = new Set<string>();
	const twice = new Set<string>();
	const ports = new Map<string, number>();
	for (const {address, login} of listed) {
		const machine = `${address.toLowerCase()} ${login.port ?? defaults.port ?? 22}`;
		if (machines.has(machine)) twice.add(address);
		machines.add(machine);
		ports.set(address, (ports.get(address) ?? 0) + 1);
	}
	if (twice.size > 0) throw duplicate([...twice]);
	return listed.map(({address, roles, login}) => ({
		// Machines behind one address differ by their ports.
		name: ports.get(address) === 1 ? address : `${bracketed(address)}:${login.port ?? defaults.port ?? 22}`,
		address,
		roles,
		login: {...defaults, ...login},
	}));
}

/**
 * The hosts that have one of these roles; all of them when no role is wanted.
 * @throws SealError ERR_HOSTS_MISSING for a role that no host has
 */
export function withRoles<H extends {readonly roles: readonly string[]}>(
	hosts: readonly H[],
	roles: readonly string[],
): readonly H[] {
	const unknown = roles.find(role => !hosts.some(host => host.roles.includes(role)));
	if (unknown !== undefined) {
		const known = [...new Set(hosts.flatMap(host => host.roles))];
		throw new SealError('ERR_HOSTS_MISSING', `No host has the role "${unknown}"`, {
			hint:
				known.length === 0
					? 'Hosts get roles from a Clusterfile, or by naming them as masters or nodes.'
					: `Use one of ${known.join(', ')}.`,
		});
	}
	return roles.length === 0 ? hosts : hosts.filter(host => host.roles.some(role => roles.includes(role)));
}

function duplicate(hosts: readonly string[]): SealError {
	const shown = hosts.slice(0, 5).join(', ');
	return new SealError(
		'ERR_HOST_DUPLICATE',
		`${shown}${hosts.length > 5 ? ` and ${hosts.length - 5} more` : ''} ${hosts.length === 1 ? 'is' : 'are'} named more than once`,
		{hint: 'Name every host once; look for ranges that overlap.', details: {hosts: hosts.slice(0, 100)}},
	);
}
