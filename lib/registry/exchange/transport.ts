import type {Bytes} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {CredentialSource} from '../login/credentials.js';
import {type Authorizer, createAuthorizer} from './auth.js';
import {parseChallenges} from './challenge.js';
import {type Endpoint, endpointOf, isLoopback} from './endpoint.js';
import {RegistryError} from './error.js';
import {createHttp, type Http, type HttpOptions} from './http.js';
import {responseError} from './response-error.js';

export interface TransportOptions extends HttpOptions {
	/** Default: anonymous. */
	readonly credentials?: CredentialSource | undefined;
	/** Hosts (as in references) that may be reached over plain http and with any certificate. */
	readonly insecure?: readonly string[] | ((host: string) => boolean) | undefined;
}

/** One exchange with a registry: address, credentials and redirects, without repetition. */
export interface Transport {
	/**
	 * Resolves with a success (2xx), a 404, or a 416. @throws RegistryError for everything else
	 */
	send(request: RegistryRequest, options: OperationOptions): Promise<RegistryResponse>;
	close(): Promise<void>;
}

/** `url` is where the answer came from, after redirects: what a relative Location starts from. It may be a signed link. */
export type RegistryResponse = HttpResponse & {readonly url: string};

export interface RegistryRequest {
	/** As in references. */
	readonly host: string;
	readonly repository: string;
	readonly method: HttpMethod;
	/** Below the origin, with its query: `/v2/library/redis/manifests/7`; or the whole URL that the registry gave as Location. */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** A function, since a challenge or a redirect makes it go out again. */
	readonly body?: (() => string | Uint8Array | Bytes) | undefined;
	/** What the request does, for the scope of its token. Default `pull` for GET and HEAD, `pull` and `push` for POST, PUT and PATCH, `delete` for DELETE. */
	readonly actions?: readonly ('pull' | 'push' | 'delete')[] | undefined;
	/** Further repositories of the host that it reads: the source of a mount. */
	readonly readsFrom?: readonly string[] | undefined;
}

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export function createTransport(options: TransportOptions = {}): Transport {
	const http = createHttp(options);
	const authorizer = createAuthorizer(http, options.credentials ?? (() => undefined));
	const isInsecure = insecureTest(options.insecure);
	/** Hosts that turned out to speak plain http. */
	const plain = new Set<string>();
	const endpointFor = (host: string): Endpoint =>
		endpointOf(host, {insecure: isInsecure(host) || isLoopback(host), plain: plain.has(host)});
	return {
		async send(request, {signal}) {
			try {
				return await exchange(http, authorizer, endpointFor(request.host), request, signal);
			} catch (error) {
				const endpoint = endpointOf(request.host, {insecure: true, plain: false});
				if (!endpointFor(request.host).insecure || !speaksPlainHttp(error, endpoint)) throw error;
				plain.add(request.host);
				return await exchange(http, authorizer, endpointFor(request.host), request, signal);
			}
		},
		close: http.close,
	};
}

function insecureTest(insecure: TransportOptions['insecure']): (host: string) => boolean {
	if (typeof insecure === 'function') return insecure;
	const hosts = new Set(insecure ?? []);
	return host => hosts.has(host);
}

/** What a TLS handshake with a plain server ends in: an alert that is none, or a hang-up. */
function speaksPlainHttp(error: unknown, endpoint: Endpoint): boolean {
	if (!(error instanceof RegistryError) || error.url?.startsWith(`${endpoint.origin}/`) !== true) return false;
	const code = String(error.details.systemCode);
	return [
		'EPROTO',
		'ERR_SSL_WRONG_VERSION_NUMBER',
		'ERR_SSL_PACKET_LENGTH_TOO_LONG',
		'ECONNRESET',
		'UND_ERR_SOCKET',
	].includes(code);
}

async function exchange(
	http: Http,
	authorizer: Authorizer,
	endpoint: Endpoint,
	request: RegistryRequest,
	signal: AbortSignal | undefined,
): Promise<RegistryResponse> {
	const {repository, method} = request;
	const url = new URL(request.path, endpoint.origin).href;
	const scope = scopeOf(request);
	let authorization = authorizer.known(endpoint, scope);
	// The second answer meets a token that ran out or has too small a scope; a third would be a loop.
	for (let refusals = 0; ; refusals++) {
		const {response, finalUrl} = await follow(http, endpoint, request, url, authorization, signal);
		const {status} = response;
		// Another origin (where an upload was sent to) may not ask for the password of the registry.
		if (status === 401 && refusals < 2 && finalUrl === url && new URL(url).origin === endpoint.origin) {
			await response.discard();
			const challenges = parseChallenges(response.header('www-authenticate'));
			const next = await authorizer.answer({endpoint, repository, scope, challenges, refused: authorization}, {signal});
			if (next === undefined) throw unauthorized(endpoint, method, url, authorization !== undefined);
			authorization = next;
			continue;
		}
		if ((status >= 200 && status < 300) || status === 404 || status === 416) return {...response, url: finalUrl};
		throw await responseError(response, method, finalUrl);
	}
}

/** What a request does, as token servers call it (distribution, "Token Scope Documentation"). */
function scopeOf(request: RegistryRequest): string {
	const {method, repository, readsFrom = []} = request;
	const reads = method === 'GET' || method === 'HEAD';
	const actions = request.actions ?? (reads ? ['pull'] : method === 'DELETE' ? ['delete'] : ['pull', 'push']);
	return [`repository:${repository}:${actions.join(',')}`, ...readsFrom.map(other => `repository:${other}:pull`)].join(
		' ',
	);
}

const maxRedirects = 5;

/** Follows redirects. Our credentials are for the registry alone: another origin never sees them. */
async function follow(
	http: Http,
	endpoint: Endpoint,
	request: RegistryRequest,
	from: string,
	authorization: string | undefined,
	signal: AbortSignal | undefined,
): Promise<{readonly response: HttpResponse; readonly finalUrl: string}> {
	let url = from;
	for (let hops = 0; ; hops++) {
		const isHome = new URL(url).origin === endpoint.origin;
		const headers = {
			'user-agent': 'sealimage',
			...request.headers,
			...(isHome && authorization !== undefined ? {authorization} : {}),
		};
		const {method} = request;
		const body = request.body?.();
		const response = await http.send({method, url, headers, body, insecure: endpoint.insecure && isHome, signal});
		if (![301, 302, 303, 307, 308].includes(response.status)) return {response, finalUrl: url};
		await response.discard();
		const location = response.header('location');
		const fail = (why: string): RegistryError =>
			new RegistryError('ERR_REGISTRY_RESPONSE', `${endpoint.host} ${why}`, {method, url, status: response.status});
		if (hops >= maxRedirects) throw fail('redirects for ever');
		if (location === undefined || !URL.canParse(location, url)) throw fail('redirects to nowhere');
		const next = new URL(location, url);
		if (next.protocol !== 'https:' && next.protocol !== 'http:') throw fail(`redirects to ${next.protocol}`);
		if (next.protocol === 'http:' && url.startsWith('https:') && !endpoint.insecure) {
			throw fail('redirects to a connection that is not secure');
		}
		url = next.href;
	}
}

function unauthorized(endpoint: Endpoint, method: string, url: string, tried: boolean): RegistryError {
	const what = tried ? 'refuses these credentials' : 'wants credentials';
	return new RegistryError('ERR_REGISTRY_UNAUTHORIZED', `${endpoint.host} ${what}`, {
		method,
		url,
		status: 401,
		hint: 'Check the name of the image, and log in to the registry.',
	});
}
