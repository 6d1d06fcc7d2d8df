import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {HttpTls} from '../../core/http.js';
import {findCertsDir, folderName, readCertsDir} from './certs-dir.js';
import {configError, listFolder, readConfigFile} from './config-file.js';
import {type Endpoint, type HostResolver, homeEndpoint} from './endpoint.js';
import type {HostEntry} from './hosts-toml.js';
import type {RegistryRule, RuleMatch} from './registries-conf.js';

/** The files that say how registries are reached. Each is read when it is first needed, and once. */
export interface HostsOptions {
	/** Hosts (as in references) that may be reached over plain http and with any certificate. */
	readonly insecure?: readonly string[] | undefined;
	/** Folders with one folder a host, with certificates as docker keeps them; the first that has one for a host counts. */
	readonly certsDirs?: readonly string[] | undefined;
	/** One folder of certificates for every host, instead of those. */
	readonly certDir?: string | undefined;
	/** A folder of containerd's `hosts.toml` files; for the hosts it names it comes before all else. */
	readonly hostsDir?: string | undefined;
	/** `registries.conf` files: the first that exists counts. */
	readonly registriesConf?: readonly string[] | undefined;
	/** One of them must exist: it was named by the user. Default false. */
	readonly requiresConf?: boolean | undefined;
	/** Folders of further ones (`registries.conf.d`), all of which count, the later ones more. */
	readonly registriesConfDirs?: readonly string[] | undefined;
}

/**
 * Where registries are reached, as the configuration of a machine says.
 * @throws (when asked) SealError ERR_REGISTRY_CONFIG, ERR_TOML, ERR_REGISTRY_BLOCKED, ERR_PERMISSION, ERR_IO
 */
export function openHosts(options: HostsOptions = {}): HostResolver {
	const insecure = new Set(options.insecure ?? []);
	const sources: Sources = {
		options,
		isInsecure: host => insecure.has(host),
		tls: remembered((host: string) => readTls(options, host)),
		hostsToml: remembered((host: string) => readHostsDir(options.hostsDir, host)),
		entryTls: remembered(async (entry: HostEntry) => (await import('./hosts-toml.js')).readHostTls(entry)),
		match: matcher(options),
	};
	return async (host, repository) => {
		const entries = await sources.hostsToml(host);
		if (entries !== undefined)
			return await Promise.all(
				entries.map((entry, at) => fromHostsToml(sources, entries, entry, at, host, repository)),
			);
		return await fromRules(sources, host, repository);
	};
}

interface Sources {
	readonly options: HostsOptions;
	readonly isInsecure: (host: string) => boolean;
	readonly tls: (host: string) => Promise<HttpTls | undefined>;
	readonly entryTls: (entry: HostEntry) => Promise<HttpTls | undefined>;
	readonly hostsToml: (host: string) => Promise<readonly HostEntry[] | undefined>;
	readonly match: (name: string) => Promise<RuleMatch | undefined>;
}

/** What is read once for each key; a failure too, so that a broken file is one error and not a thousand. */
function remembered<K, R>(read: (key: K) => Promise<R>): (key: K) => Promise<R> {
	const known = new Map<K, Promise<R>>();
	return async key => {
		const found = known.get(key) ?? read(key);
		known.set(key, found);
		return await found;
	};
}

async function readTls({certDir, certsDirs = []}: HostsOptions, host: string): Promise<HttpTls | undefined> {
	if (certDir === undefined) return await findCertsDir(certsDirs, host);
	const found = await readCertsDir(certDir);
	if (found === undefined) throw configError(certDir, 'there is no such folder of certificates');
	return found;
}

/** A host's folder, by containerd's rules: the name with its port, the port between underscores, or `_default`. */
async function readHostsDir(root: string | undefined, host: string): Promise<readonly HostEntry[] | undefined> {
	if (root === undefined || folderName(host) === undefined) return undefined;
	for (const name of [host, host.replace(/:(\d+)$/, '_$1_'), '_default']) {
		const folder = join(root, name);
		const file = join(folder, 'hosts.toml');
		const text = await readConfigFile(file);
		if (text !== undefined && text.trim() !== '') return (await import('./hosts-toml.js')).parseHostsToml(text, file);
		const certificates = await readCertsDir(folder);
		if (certificates !== undefined) return [plainEntry(folder, await listFolder(folder))];
	}
	return undefined;
}

/** A folder without `hosts.toml` holds certificates as docker keeps them. */
function plainEntry(folder: string, names: readonly string[] = []): HostEntry {
	const certs = names.filter(name => name.endsWith('.cert')).map(name => name.slice(0, -'.cert'.length));
	return {
		url: undefined,
		basePath: '/v2',
		uses: ['pull', 'resolve', 'push'],
		ca: names.filter(name => name.endsWith('.crt')).map(name => join(folder, name)),
		client: certs.map(name => [join(folder, `${name}.cert`), join(folder, `${name}.key`)] as const),
		skipVerify: undefined,
		headers: {},
		connectTimeoutMs: undefined,
	};
}

async function fromHostsToml(
	sources: Sources,
	entries: readonly HostEntry[],
	entry: HostEntry,
	at: number,
	host: string,
	repository: string,
): Promise<Endpoint> {
	const {url, basePath, uses, headers, connectTimeoutMs} = entry;
	const own = homeEndpoint(host, repository, {insecure: sources.isInsecure(host)});
	const isOwn = url === undefined || url.host === new URL(own.origin).host;
	const name = isOwn ? host : url.host;
	const certificates = (await sources.entryTls(entry)) ?? (await sources.tls(name));
	const insecure = sources.isInsecure(name) || url?.protocol === 'http:';
	const tls = {...certificates, ...(sources.isInsecure(name) ? {insecure: true} : {})};
	return {
		...own,
		host: name,
		origin: url?.origin ?? own.origin,
		// A scheme that was written is meant.
		plainHttp: url === undefined ? own.plainHttp : sources.isInsecure(name),
		insecure,
		tls: Object.keys(tls).length === 0 ? undefined : tls,
		basePath,
		uses,
		headers,
		connectTimeoutMs,
		isMirror: at < entries.length - 1,
		caPath: caPathOf(sources.options, name),
		...(isOwn ? {} : {namespace: host}),
	};
}

async function fromRules(sources: Sources, host: string, repository: string): Promise<readonly Endpoint[]> {
	const name = repository === '' ? host : `${host}/${repository}`;
	const found = await sources.match(name);
	if (found === undefined) return [await endpointAt(sources, host, repository, false)];
	const {rule, length} = found;
	if (rule.blocked) {
		throw new SealError('ERR_REGISTRY_BLOCKED', `${name} is blocked by ${rule.file}`, {
			hint: 'Use another registry, or change the rule for this one.',
			details: {file: rule.file, prefix: rule.prefix},
		});
	}
	const rest = name.slice(length);
	const at = async (location: string, insecure: boolean): Promise<Endpoint> => {
		const [place = '', ...path] = `${location}${rest}`.split('/');
		return await endpointAt(sources, place, path.join('/'), insecure);
	};
	const mirrors = rule.mirrors.map(async ({location, insecure, uses}) => ({
		...(await at(location, insecure)),
		uses,
		isMirror: true,
	}));
	const home =
		rule.location === undefined
			? endpointAt(sources, host, repository, rule.insecure)
			: at(rule.location, rule.insecure);
	return await Promise.all([...mirrors, home]);
}

async function endpointAt(sources: Sources, host: string, repository: string, told: boolean): Promise<Endpoint> {
	const insecure = told || sources.isInsecure(host);
	const home = homeEndpoint(host, repository, {insecure});
	const certificates = await sources.tls(host);
	const tls = certificates === undefined && home.tls === undefined ? undefined : {...certificates, ...home.tls};
	return {...home, tls, caPath: caPathOf(sources.options, host)};
}

/** Where people put the authority of a host. */
function caPathOf({certDir, certsDirs = []}: HostsOptions, host: string): string | undefined {
	if (certDir !== undefined) return join(certDir, 'ca.crt');
	const [first] = certsDirs;
	return first === undefined ? undefined : join(first, host, 'ca.crt');
}

/** Most machines have no rules: then the reader of TOML is not even loaded. */
function matcher(options: HostsOptions): Sources['match'] {
	const read = remembered(async (_: 'all') => {
		const files = await readRuleFiles(options);
		if (files.length === 0) return undefined;
		const {matchRule, mergeRules, parseRegistriesConf} = await import('./registries-conf.js');
		const rules: readonly RegistryRule[] = mergeRules(...files.map(([path, text]) => parseRegistriesConf(text, path)));
		return (name: string) => matchRule(rules, name);
	});
	return async name => (await read('all'))?.(name);
}

/** The files that have rules, with their text. */
async function readRuleFiles({
	registriesConf = [],
	registriesConfDirs = [],
	requiresConf = false,
}: HostsOptions): Promise<readonly (readonly [string, string])[]> {
	const files: [string, string][] = [];
	for (const path of registriesConf) {
		const text = await readConfigFile(path);
		if (text === undefined) continue;
		files.push([path, text]);
		break;
	}
	if (requiresConf && files.length === 0) throw configError(registriesConf.join(', '), 'there is no such file');
	for (const folder of registriesConfDirs) {
		for (const name of (await listFolder(folder)) ?? []) {
			const path = join(folder, name);
			const text = name.endsWith('.conf') ? await readConfigFile(path) : undefined;
			if (text !== undefined) files.push([path, text]);
		}
	}
	// Debian's files are comments and short names.
	return files.filter(([, text]) => /^\s*(?:\[{1,2}\s*["']?registr|["']?registr\w*["']?\s*=\s*\[)/m.test(text));
}
