import {readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {systemCode} from '../lib/core/errors.js';
import {openRegistry, type Registry} from '../lib/registry/client/registry.js';
import {type CredentialSource, credentialsFromConfig, firstCredentials} from '../lib/registry/login/credentials.js';
import type {Flags, FlagValues} from './command.js';
import type {Context} from './context.js';
import type {Io} from './io.js';
import {UsageError} from './usage-error.js';

/** How registries are reached; for every command that reads from them. */
export const registryFlags = {
	authfile: {
		type: 'string',
		value: 'FILE',
		help: "logins for registries, as docker and podman keep them (default: REGISTRY_AUTH_FILE, then podman's files, then docker's)",
		completes: 'file',
	},
	insecure: {
		type: 'list',
		value: 'HOST[:PORT]',
		help: 'a registry that may be reached over plain http or with any certificate',
	},
} as const satisfies Flags;

/** All registries as one source of images. Nothing is connected before something is asked for. */
export function openRegistries(flags: FlagValues<typeof registryFlags>, {io, signal, onEvent}: Context): Registry {
	return openRegistry({
		credentials: readCredentials(flags.authfile, io),
		insecure: flags.insecure,
		proxy: readProxy(io.env),
		signal,
		onEvent,
	});
}

/** @throws UsageError for a file that was named and cannot be read, or is no JSON */
function readCredentials(authfile: string | undefined, io: Io): CredentialSource {
	const named = authfile ?? io.env.REGISTRY_AUTH_FILE;
	if (named !== undefined && named !== '') return credentialsFromConfig(readConfig(resolve(io.cwd, named), true));
	const {XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG} = io.env;
	const paths = [
		...(XDG_RUNTIME_DIR === undefined ? [] : [join(XDG_RUNTIME_DIR, 'containers/auth.json')]),
		join(XDG_CONFIG_HOME || join(io.home, '.config'), 'containers/auth.json'),
		join(DOCKER_CONFIG || join(io.home, '.docker'), 'config.json'),
	];
	return firstCredentials(...paths.map(path => credentialsFromConfig(readConfig(path, false))));
}

function readConfig(path: string, wanted: boolean): unknown {
	try {
		return JSON.parse(readFileSync(path, 'utf8')) as unknown;
	} catch (error) {
		if (!wanted && (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR')) return undefined;
		throw new UsageError(`The logins in ${path} cannot be read`, {
			cause: error,
			hint: 'Mend the file, or name another one with --authfile.',
		});
	}
}

/** The proxy of the environment in its usual spellings; lower case counts first, as in curl. */
function readProxy(
	env: Io['env'],
):
	| {readonly http?: string | undefined; readonly https?: string | undefined; readonly except?: string | undefined}
	| undefined {
	const http = env.http_proxy || undefined;
	const https = env.https_proxy || env.HTTPS_PROXY || undefined;
	return http === undefined && https === undefined
		? undefined
		: {http, https, except: env.no_proxy || env.NO_PROXY || undefined};
}
