import {join, resolve} from 'node:path';
import {privateFolder} from '../lib/oci/store/layout.js';
import {openRegistry, type Registry} from '../lib/registry/client/registry.js';
import {openUploadJournal} from '../lib/registry/client/upload-journal.js';
import type {TransportOptions} from '../lib/registry/exchange/transport.js';
import {type HostsOptions, openHosts} from '../lib/registry/hosts/open-hosts.js';
import {credentialsFromFiles} from '../lib/registry/login/sources.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {givenCredentials} from './given-credentials.js';
import type {Io} from './io.js';
import {loginFiles} from './login-files.js';
import type {registryFlags} from './registry-flags.js';
import {trustedFiles} from './trusted-files.js';

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

/** The proxy of the environment in its usual spellings; lower case counts first, as in curl. HTTP_PROXY may come from a CGI request. */
function readProxy(env: Io['env']): TransportOptions['proxy'] {
	const http = env.http_proxy || (env.REQUEST_METHOD === undefined ? env.HTTP_PROXY : undefined) || undefined;
	const https = env.https_proxy || env.HTTPS_PROXY || undefined;
	if (http === undefined && https === undefined) return undefined;
	return {http, https, except: env.no_proxy || env.NO_PROXY || undefined};
}
