import type {Bytes} from '../../core/bytes.js';
import {emit, type OperationOptions} from '../../core/events.js';
import type {HttpClientOptions, HttpResponse} from '../../core/http.js';
import {isDigest} from '../../oci/digest.js';
import {type Endpoint, type EndpointUse, type HostResolver, homeEndpoint} from '../hosts/endpoint.js';
import type {CredentialSource} from '../login/credentials.js';
import {createAuthorizer} from './auth.js';
import {RegistryError} from './error.js';
import {type Exchange, exchange} from './exchange.js';
import {type Connection, homeConnection} from './follow.js';
import {createHttp} from './http.js';
import {createSchemes, type Schemes} from './scheme.js';

export interface TransportOptions extends HttpClientOptions {
	/** Default: anonymous. */
	readonly credentials?: CredentialSource | undefined;
	/** Where registries are reached, with mirrors and certificates. Default: each under its own name, without. */
	readonly hosts?: HostResolver | undefined;
	/** Without `hosts`: hosts (as in references) that may be reached over plain http and with any certificate. */
	readonly insecure?: readonly string[] | ((host: string) => boolean) | undefined;
}

/** One exchange with a registry: address, mirrors, credentials and redirects, without repetition. */
export interface Transport {
	/**
	 * Resolves with a success (2xx), a 404, or a 416. Reads go to mirrors first, in order; one that fails or lacks what is
	 * asked for is passed over. @throws RegistryError for everything else
	 */
	send(request: RegistryRequest, options: OperationOptions): Promise<RegistryResponse>;
	close(): Promise<void>;
}

export interface RegistryRequest {
	/** As in references. */
	readonly host: string;
	/** Empty for what belongs to none: `/v2/`, the catalog. */
	readonly repository: string;
	readonly method: HttpMethod;
	/**
	 * Below the origin, with its query: `/v2/library/redis/manifests/7`; or a whole URL, as a Location that was resolved
	 * against the `url` of its response. A whole URL is never rewritten for a mirror.
	 */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** A function, since a challenge or a redirect makes it go out again. */
	readonly body?: (() => string | Uint8Array | Bytes) | undefined;
	/**
	 * What the request does, for the scope of its token. Default `pull` for GET and HEAD, `pull` and `push` for POST, PUT and
	 * PATCH, `delete` for DELETE.
	 */
	readonly actions?: readonly ('pull' | 'push' | 'delete')[] | undefined;
	/** Goes where writes go, and to no mirror: what does the target of a push have? */
	readonly direct?: boolean | undefined;
	/** Milliseconds without a byte, where the answer takes more work than others. */
	readonly idleTimeoutMs?: number | undefined;
	/** The body is large, and each of its chunks is done with before the next is asked for. */
	readonly bulk?: boolean | undefined;
	/** Further repositories of the host that it reads: the source of a mount. */
	readonly readsFrom?: readonly string[] | undefined;
}

export interface RegistryResponse extends HttpResponse {
	/** Where the answer came from, after redirects: what a relative Location is relative to. May hold secrets in its query. */
	readonly url: string;
	readonly isMirror: boolean;
}

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export function createTransport(options: TransportOptions = {}): Transport {
	const http = createHttp(options);
	const hosts = options.hosts ?? withoutConfiguration(options.insecure);
	const connection = connectionFor(hosts);
	const authorizer = createAuthorizer(http, {
		credentials: options.credentials ?? (() => undefined),
		connection: async url => await connection(undefined, url),
	});
	const state: State = {
		http,
		authorizer,
		connection: (endpoint, url) => connection(endpoint, url),
		schemes: createSchemes(http),
		resting: new Map(),
		told: new Set(),
	};
	return {
		async send(request, operation) {
			const endpoints = await hosts(request.host, request.repository, operation);
			return await inOrder(state, endpointsFor(endpoints, request), request, operation);
		},
		close: http.close,
	};
}

function withoutConfiguration(insecure: TransportOptions['insecure']): HostResolver {
	const hosts = typeof insecure === 'function' ? undefined : new Set(insecure ?? []);
	const isInsecure = (host: string): boolean => (typeof insecure === 'function' ? insecure(host) : hosts!.has(host));
	return async (host, repository) => [homeEndpoint(host, repository, {insecure: isInsecure(host)})];
}

/**
 * How another host is connected to that a registry sends us to: with the certificates that are configured for that host, and
 * the authorities of the registry, which often signed both. Client certificates are shown to their own host only.
 */
function connectionFor(hosts: HostResolver) {
	return async (from: Endpoint | undefined, url: string): Promise<Connection> => {
		const own = (await hosts(new URL(url).host, '')).at(-1);
		const {tls, ...rest} = own === undefined ? {} : homeConnection(own);
		const ca = [...(tls?.ca ?? []), ...(from?.tls?.ca ?? [])];
		return {...rest, ...(tls === undefined && ca.length === 0 ? {} : {tls: {...tls, ca}})};
	};
}

interface State extends Exchange {
	readonly schemes: Schemes;
	/** Mirrors that could not be reached, and until when they are left alone. */
	readonly resting: Map<string, number>;
	/** Failures of mirrors that were told of: once is enough. */
	readonly told: Set<string>;
}

/** A mirror that is down costs one time-out, not one for each blob. */
const restMs = 30_000;

async function inOrder(
	state: State,
	endpoints: readonly Endpoint[],
	request: RegistryRequest,
	operation: OperationOptions,
): Promise<RegistryResponse> {
	const last = endpoints.length - 1;
	for (const [at, endpoint] of endpoints.entries()) {
		if (at < last && (state.resting.get(endpoint.origin) ?? 0) > performance.now()) continue;
		try {
			const reached = await state.schemes.settle(endpoint, operation);
			const response = await exchange(state, reached, request, operation);
			if (response.status !== 404 || at === last) return response;
			await response.discard();
		} catch (error) {
			operation.signal?.throwIfAborted();
			if (at === last || !(error instanceof RegistryError)) throw error;
			pass(state, endpoint, request.host, error, operation);
		}
	}
	throw new RegistryError(
		'ERR_REGISTRY_CONFIG',
		`No configured endpoint of ${request.host} may be used for ${useOf(request)}`,
		{hint: 'Check the capabilities in the configuration of registries.'},
	);
}

function pass(state: State, endpoint: Endpoint, host: string, error: RegistryError, operation: OperationOptions): void {
	if (!['ERR_REGISTRY_HOST', 'ERR_REGISTRY_UNREACHABLE', 'ERR_REGISTRY_TLS'].includes(error.code)) return;
	state.resting.set(endpoint.origin, performance.now() + restMs);
	emit(operation, {
		type: 'warning',
		code: error.code,
		message: `The mirror ${endpoint.host} of ${host} is passed over: ${error.message}`,
	});
}

/** The endpoints that may be asked. Lists come from the registry itself where it can be had: a mirror knows a part only. */
function endpointsFor(endpoints: readonly Endpoint[], request: RegistryRequest): readonly Endpoint[] {
	const use = useOf(request);
	const usable = endpoints.filter(({uses}) => uses.includes(use));
	if (/^https?:\/\//i.test(request.path)) {
		const {host} = new URL(request.path);
		return [usable.find(({origin}) => new URL(origin).host === host) ?? usable[0]].filter(one => one !== undefined);
	}
	if (use === 'push') return usable.slice(0, 1);
	const isList = use === 'resolve' && !/\/manifests\/[^/]+$/.test(request.path);
	return isList ? usable.toSorted((a, b) => Number(a.isMirror) - Number(b.isMirror)) : usable;
}

function useOf({method, path, actions = [], direct = false}: RegistryRequest): EndpointUse {
	const writes = method !== 'GET' && method !== 'HEAD';
	if (writes || direct || actions.includes('push') || actions.includes('delete')) return 'push';
	const [, kind = '', name = ''] = /\/(manifests|blobs)\/([^/?]+)(?:\?.*)?$/.exec(path) ?? [];
	return kind === 'blobs' || isDigest(name) ? 'pull' : 'resolve';
}
