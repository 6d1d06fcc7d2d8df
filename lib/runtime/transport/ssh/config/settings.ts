import {join, resolve} from 'node:path';
import type {HostKeyPolicy, Operator} from '../options.js';
import {AppliedLines} from './applied.js';
import type {LoadedConfig} from './load.js';
import type {ConfigLine} from './parse.js';
import {expandTokens, tokensOf} from './tokens.js';

/** What the configuration of OpenSSH says of one host; what it does not say is undefined or empty. */
export interface HostSettings {
	readonly hostName: string;
	readonly user: string;
	readonly port: number | undefined;
	readonly identityFiles: readonly string[];
	readonly identitiesOnly: boolean;
	/** False for none. */
	readonly agent: string | false | undefined;
	/** `none` for a direct way, whatever comes later. */
	readonly jumps: readonly string[];
	readonly knownHostsFiles: readonly string[] | undefined;
	readonly globalKnownHostsFiles: readonly string[] | undefined;
	readonly hashKnownHosts: boolean;
	readonly hostKey: HostKeyPolicy | undefined;
	readonly hostKeyAlias: string | undefined;
	readonly family: 4 | 6 | undefined;
	readonly connectTimeoutMs: number | undefined;
	/** Lines that apply to the host and are not followed here. */
	readonly unfollowed: readonly ConfigLine[];
}

/**
 * What applies to a host: for each keyword the first value whose Host or Match block fits, as ssh_config(5) says.
 * @param given what the caller knows better than the files
 * @throws SealError ERR_SSH_CONFIG for lines that would lead elsewhere if they were left out
 */
export function hostSettings(
	config: LoadedConfig,
	name: string,
	operator: Operator,
	given: {readonly user?: string | undefined; readonly port?: number | undefined} = {},
): HostSettings {
	const found = new AppliedLines(name, operator, given.user);
	for (const lines of config) found.read(lines, true);
	const hostName = found.expand('hostname', {'%': '%', h: name}) ?? name;
	found.refuse('hostname', () => !/^[^\s\p{C},*?!@|#-][^\s\p{C},*?!@|#]*$/u.test(hostName));
	const user = found.user();
	const port = given.port ?? found.port();
	const tokens = tokensOf({name, hostName, user, port, operator, alias: found.first('hostkeyalias')?.args[0]});
	const path = (text: string, line: ConfigLine): string => {
		const expanded = expandTokens(text, line, tokens);
		return expanded.startsWith('~/') ? join(operator.home, expanded.slice(2)) : resolve(operator.home, expanded);
	};
	const files = (keyword: string): readonly string[] | undefined => {
		const line = found.first(keyword);
		if (line === undefined) return undefined;
		return line.args.filter(file => file !== 'none').map(file => path(file, line));
	};
	found.refuse('proxycommand', line => line.rest !== 'none' && !found.isBefore('proxyjump', line));
	found.refuse('revokedhostkeys', line => line.args[0] !== 'none');
	return {
		hostName,
		user,
		port,
		identityFiles: found
			.all('identityfile')
			.filter(line => line.args[0] !== 'none')
			.map(line => path(line.args[0] ?? '', line)),
		identitiesOnly: found.isYes('identitiesonly'),
		agent: agentOf(found.first('identityagent'), operator, path),
		jumps: jumpsOf(found.first('proxyjump')),
		knownHostsFiles: files('userknownhostsfile'),
		globalKnownHostsFiles: files('globalknownhostsfile'),
		hashKnownHosts: found.isYes('hashknownhosts'),
		hostKey: hostKeyOf(found.first('stricthostkeychecking')),
		hostKeyAlias: found.first('hostkeyalias')?.args[0],
		family: familyOf(found.first('addressfamily')),
		connectTimeoutMs: seconds(found.first('connecttimeout')),
		unfollowed: found.unfollowed(),
	};
}

function agentOf(
	line: ConfigLine | undefined,
	operator: Operator,
	path: (text: string, line: ConfigLine) => string,
): string | false | undefined {
	const value = line?.args[0];
	if (line === undefined || value === undefined) return undefined;
	if (value === 'none') return false;
	if (['SSH_AUTH_SOCK', '$SSH_AUTH_SOCK', '${SSH_AUTH_SOCK}'].includes(value)) return operator.agent;
	return path(value, line);
}

function jumpsOf(line: ConfigLine | undefined): readonly string[] {
	const value = line?.args[0] ?? 'none';
	return value.toLowerCase() === 'none' ? [] : value.split(',').map(jump => jump.trim());
}

function hostKeyOf(line: ConfigLine | undefined): HostKeyPolicy | undefined {
	switch (line?.args[0]?.toLowerCase()) {
		case 'yes':
			return 'strict';
		case 'no':
		case 'off':
			return 'off';
		case 'accept-new':
		// There is nobody to ask while hundreds of hosts are being reached.
		case 'ask':
			return 'accept-new';
		default:
			return undefined;
	}
}

function familyOf(line: ConfigLine | undefined): 4 | 6 | undefined {
	const value = line?.args[0]?.toLowerCase();
	return value === 'inet' ? 4 : value === 'inet6' ? 6 : undefined;
}

function seconds(line: ConfigLine | undefined): number | undefined {
	const value = Number(line?.args[0]);
	return Number.isFinite(value) && value > 0 ? value * 1000 : undefined;
}
