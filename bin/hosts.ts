import {createReadStream, existsSync, statSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {collect} from '../lib/core/bytes.js';
import {isSealError} from '../lib/core/errors.js';
import {withIo} from '../lib/core/io-error.js';
import {parseClusterfile} from '../lib/runtime/host/clusterfile.js';
import {type ListedHost, parseHostList, resolveHosts, withRoles} from '../lib/runtime/host/list.js';
import type {HostLogin, HostTarget} from '../lib/runtime/host/target.js';
import type {ClusterState} from '../lib/runtime/state/cluster-state.js';
import {listedHosts} from '../lib/runtime/state/reach.js';
import {knownCluster} from './clusters.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import type {hostFlags, loginFlags} from './host-flags.js';
import {readLogin} from './host-login.js';
import {UsageError} from './usage-error.js';

export type HostFlags = FlagValues<typeof hostFlags>;
export type LoginFlags = FlagValues<typeof loginFlags>;

/**
 * The hosts that the flags of a command choose, and its operands when they are hosts, with their logins.
 * @throws UsageError for whatever is wrong with the list; SealError ERR_IO, ERR_PERMISSION for files that cannot be read
 */
export async function readHosts(
	flags: Partial<HostFlags> & LoginFlags,
	operands: readonly string[],
	context: Context,
): Promise<readonly HostTarget[]> {
	const login = await readLogin(flags, context);
	try {
		const listed = [
			...[...operands, ...(flags.hosts ?? [])].flatMap(text => parseHostList(text)),
			...(flags.masters ?? []).flatMap(text => parseHostList(text, ['master'])),
			...(flags.nodes ?? []).flatMap(text => parseHostList(text, ['node'])),
			...(await readHostFiles(flags['hosts-file'] ?? [], context)),
			...(flags.cluster === undefined ? [] : await readCluster(flags.cluster, login, context)),
		];
		if (listed.length === 0) throw noHosts(flags);
		return withRoles(resolveHosts(listed, login), flags.roles ?? []);
	} catch (error) {
		if (!isSealError(error) || !/^ERR_(?:HOST|CLUSTERFILE|YAML)/.test(error.code)) throw error;
		throw new UsageError(error.message, {code: error.code, hint: error.hint, details: error.details});
	}
}

/**
 * The hosts of a cluster that is known, under the names that it has for them.
 * @param roles only hosts with one of these
 * @throws as `readHosts`
 */
export async function readClusterHosts(
	state: ClusterState,
	flags: LoginFlags,
	context: Context,
	roles: readonly string[] = [],
): Promise<readonly HostTarget[]> {
	const login = await readLogin(flags, context);
	const targets = resolveHosts(listedHosts(state, login, existsSync), login);
	const named = targets.map((target, index) => ({...target, name: state.setting.hosts[index]?.name ?? target.name}));
	return withRoles(named, roles);
}

/** Whether a command that can work on this machine alone is meant for hosts. */
export function namesHosts(flags: Partial<HostFlags>, operands: readonly string[]): boolean {
	const lists = [operands, flags.hosts, flags.masters, flags.nodes, flags['hosts-file']];
	return flags.cluster !== undefined || lists.some(list => (list?.length ?? 0) > 0);
}

function noHosts(flags: Partial<HostFlags>): UsageError {
	return new UsageError('No host was named', {
		code: 'ERR_HOSTS_MISSING',
		hint:
			flags.hosts === undefined
				? 'Name at least one host.'
				: 'Name hosts with --hosts, --masters, --nodes, --hosts-file or --cluster.',
	});
}

async function readHostFiles(files: readonly string[], context: Context): Promise<readonly ListedHost[]> {
	const texts = await Promise.all(files.map(file => readText(file, 4 * 1024 * 1024, context)));
	return texts.flatMap(text => parseHostList(text));
}

/** `--cluster FILE`, or a name: of a cluster that we know, else of one whose Clusterfile sealos keeps. */
async function readCluster(cluster: string, login: HostLogin, context: Context): Promise<readonly ListedHost[]> {
	const {home, cwd} = context.io;
	const isFile = statSync(resolve(cwd, cluster), {throwIfNoEntry: false})?.isFile() === true;
	const known = isFile ? undefined : await knownCluster(cluster, context);
	if (known !== undefined) return listedHosts(known, login, existsSync);
	const kept = join(home, '.sealos', cluster, 'Clusterfile');
	const isName = /^[\w-][\w.-]*$/.test(cluster) && !existsSync(resolve(cwd, cluster)) && existsSync(kept);
	if (!isName && !/[/.]/.test(cluster) && !existsSync(resolve(cwd, cluster))) {
		throw new UsageError(`--cluster: there is no file "${cluster}", and no cluster of this name is known`, {
			code: 'ERR_CLUSTERFILE',
			hint: 'Name a Clusterfile or a cluster; "sealimage clusters" lists those that are known, and takes others from their masters.',
		});
	}
	const text = await readText(isName ? kept : cluster, 4 * 1024 * 1024, context);
	const hosts = parseClusterfile(text, {shown: isName ? kept : cluster, home, overrides: login});
	return hosts.map(host => ({...host, login: withoutMissingKeys(host.login, login)}));
}

/** sealos writes the path of a key into every Clusterfile, there or not. Keys that the command line names stay, to be missed. */
function withoutMissingKeys(login: HostLogin, given: HostLogin): HostLogin {
	if (login.identities === undefined || login.identities === given.identities) return login;
	const {identities, ...rest} = login;
	const found = identities.filter(identity => !('file' in identity) || existsSync(identity.file));
	return found.length === 0 ? rest : {...rest, identities: found};
}

async function readText(path: string, limitBytes: number, {io}: Context): Promise<string> {
	const whole = resolve(io.cwd, path);
	return await withIo('read', path, async () =>
		(await collect(createReadStream(whole), limitBytes, path)).toString('utf8'),
	);
}
