import {join, resolve} from 'node:path';
import {privateFolder} from '../lib/oci/store/layout.js';
import {openRegistry, type Registry} from '../lib/registry/client/registry.js';
import {openUploadJournal} from '../lib/registry/client/upload-journal.js';
import type {TransportOptions} from '../lib/registry/exchange/transport.js';
import {type HostsOptions, openHosts} from '../lib/registry/hosts/open-hosts.js';
import {credentialsFromFiles} from '../lib/registry/login/sources.js';
import type {Flags, FlagValues} from './command.js';
import type {Context} from './context.js';
import {givenCredentials} from './given-credentials.js';
import type {Io} from './io.js';
import {loginFiles} from './login-files.js';

/** How registries are reached; for every command that reads from them. */
export const registryFlags = {
	authfile: {
		type: 'string',
		value: 'FILE',
		help: "logins for registries, as docker and podman keep them (default: REGISTRY_AUTH_FILE, then docker's file, then podman's)",
		completes: 'file',
	},
	insecure: {
		type: 'list',
		value: 'HOST[:PORT]',
		help: 'a registry that may be reached over plain http or with any certificate',
	},
	'cert-dir': {
		type: 'string',
		value: 'DIR',
		help: 'a folder with authorities (*.crt) and client certificates (*.cert, *.key) for all registries (default: the folder of each host in certs.d of podman and docker)',
		completes: 'folder',
	},
	'hosts-dir': {
		type: 'string',
		value: 'DIR',
		help: "containerd's folder of hosts.toml files, such as /etc/containerd/certs.d",
		completes: 'folder',
	},
	'registries-conf': {
		type: 'string',
		value: 'FILE',
		help: "mirrors and rules of registries, as podman has them (default: CONTAINERS_REGISTRIES_CONF, then podman's files)",
		completes: 'file',
	},
} as const satisfies Flags;

/** For commands that speak to one registry, which the credentials are then for. */
export const credsFlag = {
	creds: {
		type: 'string',
		value: 'USER[:PASSWORD]',
		help: 'the login for the registry of this command; without PASSWORD it is asked for on the terminal',
		completes: 'none',
	},
} as const satisfies Flags;

export interface GivenCredentials {
	/** The value of --creds. */
	readonly creds: string;
	/** The flag it came from, for messages. Default `--creds`. */
	readonly flag?: string;
	/** The registry it is for, as in references; no other sees it. */
	readonly host: string;
}

/** All registries as one source of images. Nothing is connected before something is asked for. */
export function openRegistries(
	flags: FlagValues<typeof registryFlags>,
	context: Context,
	given: readonly GivenCredentials[] = [],
): Registry {
	const {signal, onEvent, settings} = context;
	// Beside the images, but not in the store: a copy between registries needs none.
	const uploadJournal = openUploadJournal(join(settings.root.value, privateFolder, 'pushes'));
	return openRegistry({...registryOptions(flags, context, given), uploadJournal, signal, onEvent});
}

/**
 * How registries are reached, from flags, environment and files.
 * @param direct each under its own name, whatever podman's rules say: a login is for the host that was named
 */
export function registryOptions(
	flags: FlagValues<typeof registryFlags>,
	context: Context,
	given: readonly GivenCredentials[] = [],
	direct = false,
): TransportOptions {
	const {io} = context;
	const files = credentialsFromFiles(loginFiles(flags.authfile, io), {env: io.env});
	return {
		credentials: givenCredentials(given, files, context),
		hosts: openHosts({...hostsOptions(flags, io), ...(direct ? noRules : {})}),
		caFiles: trustedFiles(context),
		proxy: readProxy(io.env),
	};
}

/** How the upstreams of a cache are reached: with logins and certificates, but without mirrors, of which we may be one. */
export function upstreamTransport(
	flags: Pick<FlagValues<typeof registryFlags>, 'authfile' | 'cert-dir'>,
	context: Context,
): TransportOptions {
	const none = {insecure: [], 'hosts-dir': undefined, 'registries-conf': undefined};
	const {certDir, certsDirs} = hostsOptions({...none, ...flags}, context.io);
	return {...registryOptions({...none, ...flags}, context), hosts: openHosts({certDir, certsDirs})};
}

const noRules = {registriesConf: [], registriesConfDirs: [], requiresConf: false};

function hostsOptions(flags: FlagValues<typeof registryFlags>, io: Io): HostsOptions {
	const at = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(io.cwd, path));
	const own = join(io.env.XDG_CONFIG_HOME || join(io.home, '.config'), 'containers');
	const named = flags['registries-conf'] ?? (io.env.CONTAINERS_REGISTRIES_CONF || undefined);
	return {
		insecure: flags.insecure,
		certDir: at(flags['cert-dir']),
		certsDirs: [join(own, 'certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d'],
		hostsDir: at(flags['hosts-dir']),
		...(named === undefined
			? {
					registriesConf: [join(own, 'registries.conf'), '/etc/containers/registries.conf'],
					registriesConfDirs: ['/etc/containers/registries.conf.d', join(own, 'registries.conf.d')],
				}
			: {registriesConf: [resolve(io.cwd, named)], requiresConf: true}),
	};
}

/**
 * Where systems keep the authorities that they trust: the places that Go's programs look at, and what Node itself is told.
 * None where the settings say so.
 */
export function trustedFiles({io: {env}, settings}: Context): readonly string[] {
	if (settings.trust.value === 'bundled') return [];
	const files = env.SSL_CERT_FILE
		? [env.SSL_CERT_FILE]
		: [
				'/etc/ssl/certs/ca-certificates.crt',
				'/etc/pki/tls/certs/ca-bundle.crt',
				'/etc/ssl/ca-bundle.pem',
				'/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
				'/etc/ssl/cert.pem',
			];
	return env.NODE_EXTRA_CA_CERTS ? [...files, env.NODE_EXTRA_CA_CERTS] : files;
}

/** The proxy of the environment in its usual spellings; lower case counts first, as in curl. HTTP_PROXY may come from a CGI request. */
function readProxy(env: Io['env']): TransportOptions['proxy'] {
	const http = env.http_proxy || (env.REQUEST_METHOD === undefined ? env.HTTP_PROXY : undefined) || undefined;
	const https = env.https_proxy || env.HTTPS_PROXY || undefined;
	if (http === undefined && https === undefined) return undefined;
	return {http, https, except: env.no_proxy || env.NO_PROXY || undefined};
}
