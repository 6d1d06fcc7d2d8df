import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {withIo} from '../lib/core/io-error.js';
import {readConfigFile} from '../lib/runtime/cluster/clusterfile.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import type {NamedHost, RunRequest} from '../lib/runtime/lifecycle/operate-request.js';
import {readSaidAddresses} from '../lib/runtime/lifecycle/settle-addresses.js';
import {isClusterName} from '../lib/runtime/state/names.js';
import type {clusterNameFlag, memberFlags, settingFlags} from './cluster-flags.js';
import type {ClusterLogin} from './cluster-login.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {readHosts} from './hosts.js';
import {readPairs} from './key-values.js';
import {readArgument, UsageError} from './usage-error.js';

export type MemberFlags = FlagValues<typeof memberFlags>;
export type WishFlags = FlagValues<typeof clusterNameFlag> & MemberFlags & FlagValues<typeof settingFlags>;

/** What the flags of `run` say of a cluster; images come beside. @throws UsageError; SealError ERR_IO, ERR_PERMISSION, ERR_YAML */
export async function readWish(flags: WishFlags, login: ClusterLogin): Promise<Omit<RunRequest, 'images'>> {
	const name = readName(flags.cluster);
	const {context} = login;
	const hosts = await readMembers(flags, login);
	const env = readVariables(flags.env, context);
	const files = await Promise.all(
		flags['config-file'].map(async file => readConfigFile(await readText(file, context), file)),
	);
	return {
		name,
		hosts: withAddresses(hosts, flags.address),
		...(flags.env.length === 0 ? {} : {env}),
		...(flags.cmd.length === 0 ? {} : {command: flags.cmd}),
		...(files.length === 0
			? {}
			: {configs: files.flatMap(file => file.configs), kubeadm: files.flatMap(file => file.kubeadm)}),
		...(flags['virtual-address'] === undefined ? {} : {virtualAddress: flags['virtual-address']}),
		...(flags['proxy-mode'] === undefined ? {} : {proxyMode: flags['proxy-mode']}),
		isWaiting: flags.wait,
	};
}

/** The hosts of --masters and --nodes; none when there are none. @throws UsageError; SealError ERR_IO, ERR_PERMISSION */
export async function readMembers(flags: MemberFlags, login: ClusterLogin): Promise<readonly HostTarget[]> {
	if (flags.masters.length + flags.nodes.length === 0) return [];
	const named = {...login.flags, cluster: undefined, masters: flags.masters, nodes: flags.nodes};
	return await readHosts(named, [], login.context);
}

/** The name of a cluster as a flag gives it. @throws UsageError */
export function readName(name: string): string {
	if (isClusterName(name)) return name;
	throw new UsageError(`--cluster: ${JSON.stringify(name.slice(0, 100))} cannot be the name of a cluster`, {
		hint: 'Use small letters, digits and hyphens, up to 63 of them.',
	});
}

/** Values of variables are data: quotes, dollars and newlines arrive as they are. @throws UsageError */
export function readVariables(values: readonly string[], {io}: Context): Readonly<Record<string, string>> {
	const env = readPairs('--env', values, io.env);
	const wrong = Object.keys(env).find(name => !/^[A-Za-z_]\w*$/.test(name));
	if (wrong === undefined) return env;
	throw new UsageError(`--env: ${JSON.stringify(wrong.slice(0, 100))} is no name of a variable`, {
		hint: 'Write NAME=VALUE with letters, digits and underscores in NAME.',
	});
}

/** Lays what --address says over the hosts that it names. @throws UsageError */
export function withAddresses(hosts: readonly HostTarget[], values: readonly string[]): readonly NamedHost[] {
	const said = new Map(
		Object.entries(readPairs('--address', values)).map(([host, text]) => [
			host,
			readArgument('--address', () => readSaidAddresses(text)),
		]),
	);
	const stranger = [...said.keys()].find(name => !hosts.some(host => host.name === name));
	if (stranger !== undefined) {
		throw new UsageError(`--address names ${stranger}, which is none of the hosts`, {
			hint: 'Name hosts as --masters and --nodes do.',
		});
	}
	return hosts.map(target => {
		const addresses = said.get(target.name);
		return addresses === undefined ? {target} : {target, addresses};
	});
}

/** A file of the user. @throws SealError ERR_IO, ERR_PERMISSION */
export async function readText(file: string, {io}: Context): Promise<string> {
	return await withIo('read', file, () => readFile(resolve(io.cwd, file), 'utf8'));
}
