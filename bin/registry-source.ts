import {join} from 'node:path';
import {privateFolder} from '../lib/oci/store/layout.js';
import {openRegistry, type Registry} from '../lib/registry/client/registry.js';
import {openUploadJournal} from '../lib/registry/client/upload-journal.js';
import type {TransportOptions} from '../lib/registry/exchange/transport.js';
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

/** How registries are reached, from flags, environment and files. */
export function registryOptions(
	flags: FlagValues<typeof registryFlags>,
	context: Context,
	given: readonly GivenCredentials[] = [],
): TransportOptions {
	const {io} = context;
	const files = credentialsFromFiles(loginFiles(flags.authfile, io), {env: io.env});
	return {
		credentials: givenCredentials(given, files, context),
		insecure: flags.insecure,
		proxy: readProxy(io.env),
	};
}

/** The proxy of the environment in its usual spellings; lower case counts first, as in curl. HTTP_PROXY may come from a CGI request. */
function readProxy(env: Io['env']): TransportOptions['proxy'] {
	const http = env.http_proxy || (env.REQUEST_METHOD === undefined ? env.HTTP_PROXY : undefined) || undefined;
	const https = env.https_proxy || env.HTTPS_PROXY || undefined;
	if (http === undefined && https === undefined) return undefined;
	return {http, https, except: env.no_proxy || env.NO_PROXY || undefined};
}
