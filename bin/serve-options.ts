import {once} from 'node:events';
import {createWriteStream} from 'node:fs';
import {resolve} from 'node:path';
import type {Writable} from 'node:stream';
import {type AccessOptions, openAccess} from '../lib/registry/server/access/access.js';
import {type AccessPolicy, openToAll} from '../lib/registry/server/access/policy.js';
import type {ServerLimits} from '../lib/registry/server/limits.js';
import type {ServeOptions} from '../lib/registry/server/options.js';
import {openPullThrough} from '../lib/registry/server/upstream/pull-through.js';
import {parseUpstream} from '../lib/registry/server/upstream/spec.js';
import type {RegistryStorage} from '../lib/registry/storage/storage.js';
import type {Flags, FlagValues} from './command.js';
import type {Context} from './context.js';
import {registryFlags} from './registry-flags.js';
import {upstreamTransport} from './registry-source.js';
import {UsageError} from './usage-error.js';

/** What stands between the network and the endpoints of `serve`. */
export const edgeFlags = {
	'tls-cert': {
		type: 'string',
		value: 'FILE',
		help: 'serve over TLS with this certificate chain (PEM); a new one is used without a restart',
		completes: 'file',
	},
	'tls-key': {type: 'string', value: 'FILE', help: 'the private key of --tls-cert', completes: 'file'},
	'tls-client-ca': {
		type: 'string',
		value: 'FILE',
		help: 'let in only clients with a certificate of this authority',
		completes: 'file',
	},
	htpasswd: {
		type: 'string',
		value: 'FILE',
		help: 'users who may do everything, as "htpasswd -B" writes them; read again when it changes',
		completes: 'file',
	},
	token: {
		type: 'string',
		value: 'FILE',
		help: 'a YAML list of tokens with name, hash (sha256:HEX), pull, push and delete (patterns of repositories), expires; read again when it changes',
		completes: 'file',
	},
	'anonymous-pull': {type: 'boolean', help: 'let everybody pull and list'},
	'token-issuer': {type: 'string', value: 'NAME', help: 'take tokens (JWT) of this issuer, too'},
	'token-key': {
		type: 'string',
		value: 'FILE',
		help: 'the public keys of --token-issuer: PEM, or a JSON Web Key Set',
		completes: 'file',
	},
	'token-service': {type: 'string', value: 'NAME', help: 'the audience that tokens of --token-issuer must have'},
	'token-realm': {type: 'string', value: 'URL', help: 'where clients get tokens of --token-issuer'},
	'access-log': {
		type: 'string',
		value: 'FILE',
		help: 'append a line of JSON for each request; - is stdout',
		completes: 'file',
	},
	metrics: {
		type: 'boolean',
		help: 'show /metrics for Prometheus to this machine, and to others who give credentials',
	},
	upstream: {
		type: 'list',
		value: 'REGISTRY[=URL]',
		help: 'fetch and keep what is missing of a registry; *=URL for all others, asked as containerd asks a mirror; of several for one registry each is asked when those before it fail',
	},
	'upstream-ttl': {
		type: 'integer',
		value: 'SECONDS',
		default: 0,
		minimum: 0,
		help: 'for how long a tag of an upstream is given out without asking again',
	},
	authfile: {...registryFlags.authfile, help: 'logins for upstreams, as docker and podman keep them'},
	'cert-dir': {
		...registryFlags['cert-dir'],
		help: 'a folder with authorities (*.crt) and client certificates for upstreams',
	},
	limit: {
		type: 'list',
		value: 'NAME=NUMBER',
		help: 'header-bytes, blob-bytes, uploads, connections, connections-per-client, headers-ms, idle-ms, keep-alive-ms or stop-ms',
	},
} as const satisfies Flags;

export type EdgeFlags = FlagValues<typeof edgeFlags> & {readonly 'insecure-listen': boolean};

/** Options of `serveRegistry` that the flags make, with what they hold open. */
export interface Edge {
	readonly options: Pick<ServeOptions, 'access' | 'tls' | 'limits' | 'stopMs' | 'accessLog' | 'metrics'>;
	/** The storage, as a pull-through cache when there are upstreams. */
	wrap(storage: RegistryStorage): RegistryStorage;
	close(): Promise<void>;
}

/** @throws UsageError; SealError ERR_ACCESS_FILE, ERR_YAML, ERR_UPSTREAM_INVALID, ERR_IO, ERR_PERMISSION */
export async function openEdge(flags: EdgeFlags, context: Context): Promise<Edge> {
	const {onEvent} = context;
	const upstreams = flags.upstream.map(parseUpstream);
	const {stopMs, ...limits} = readLimits(flags.limit);
	const tls = readTls(flags, context);
	const access = await readAccess(flags, context);
	const log = await openLog(flags['access-log'], context).catch(async (error: unknown) => {
		await access?.close?.();
		throw error;
	});
	return {
		options: {access, tls, limits, stopMs, accessLog: log, metrics: flags.metrics},
		wrap: storage =>
			upstreams.length === 0
				? storage
				: openPullThrough(storage, {
						upstreams,
						transport: upstreamTransport(flags, context),
						tagTtlMs: flags['upstream-ttl'] * 1000,
						onEvent,
					}),
		async close() {
			await access?.close?.();
			if (log !== undefined && log !== context.io.stdout) {
				log.end();
				await once(log, 'close');
			}
		},
	};
}

function readTls(flags: EdgeFlags, {io}: Context): ServeOptions['tls'] {
	const {'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa} = flags;
	if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
	if (cert === undefined || key === undefined) throw new UsageError('TLS needs both --tls-cert and --tls-key');
	const at = (path: string): string => resolve(io.cwd, path);
	return {cert: at(cert), key: at(key), clientCa: clientCa === undefined ? undefined : at(clientCa)};
}

async function readAccess(flags: EdgeFlags, {io, onEvent}: Context): Promise<AccessPolicy | undefined> {
	const at = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(io.cwd, path));
	const issuer = readIssuer(flags, at);
	const {'anonymous-pull': anonymousPull} = flags;
	const isGuarded = flags.htpasswd !== undefined || flags.token !== undefined || issuer !== undefined || anonymousPull;
	if (!isGuarded) return flags['insecure-listen'] ? openToAll : undefined;
	return await openAccess({htpasswd: at(flags.htpasswd), tokens: at(flags.token), anonymousPull, issuer, onEvent});
}

function readIssuer(flags: EdgeFlags, at: (path: string) => string | undefined): AccessOptions['issuer'] {
	const names = ['token-issuer', 'token-key', 'token-service', 'token-realm'] as const;
	const [issuer, key, service, realm] = names.map(name => flags[name]);
	if ([issuer, key, service, realm].every(value => value === undefined)) return undefined;
	if (issuer === undefined || key === undefined || service === undefined || realm === undefined) {
		throw new UsageError(
			'Tokens of another issuer need --token-issuer, --token-key, --token-service and --token-realm',
		);
	}
	if (!/^https?:\/\//i.test(realm) || !URL.canParse(realm)) {
		throw new UsageError(`--token-realm is an http or https address, found "${realm}"`);
	}
	return {issuer, service, realm: new URL(realm).href, keyFile: at(key) ?? key};
}

async function openLog(path: string | undefined, {io}: Context): Promise<Writable | undefined> {
	if (path === undefined) return undefined;
	if (path === '-') return io.stdout;
	const stream = createWriteStream(resolve(io.cwd, path), {flags: 'a', mode: 0o640});
	try {
		await once(stream, 'open');
	} catch (error) {
		throw new UsageError(`The access log ${path} cannot be written`, {cause: error});
	}
	// A log on a disk that is full loses lines; requests are served all the same.
	stream.on('error', () => {});
	return stream;
}

const limitNames = {
	'header-bytes': 'headerBytes',
	'blob-bytes': 'blobBytes',
	uploads: 'uploads',
	connections: 'connections',
	'connections-per-client': 'connectionsPerClient',
	'headers-ms': 'headersMs',
	'idle-ms': 'idleMs',
	'keep-alive-ms': 'keepAliveMs',
	'stop-ms': 'stopMs',
} as const satisfies Readonly<Record<string, keyof ServerLimits | 'stopMs'>>;

function readLimits(values: readonly string[]): ServerLimits & {readonly stopMs?: number} {
	return Object.fromEntries(
		values.map(value => {
			const [name = '', number = '', more] = value.split('=');
			const key = Object.entries(limitNames).find(([known]) => known === name)?.[1];
			if (key === undefined || more !== undefined || !/^[1-9]\d{0,14}$/.test(number)) {
				throw new UsageError(`--limit is NAME=NUMBER, found "${value}"`, {
					hint: `Use one of ${Object.keys(limitNames).join(', ')}.`,
				});
			}
			return [key, Number(number)];
		}),
	);
}
