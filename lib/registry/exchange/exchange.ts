import type {Abortable} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {Endpoint} from '../hosts/endpoint.js';
import type {Authorizer} from './auth.js';
import {parseChallenges} from './challenge.js';
import {type Connection, follow} from './follow.js';
import type {Http} from './http.js';
import {responseError} from './response-error.js';
import {parseScopes, type Scopes} from './scope.js';
import type {RegistryRequest, RegistryResponse} from './transport.js';

export interface Exchange {
	readonly http: Http;
	readonly authorizer: Authorizer;
	readonly connection: (endpoint: Endpoint, url: string) => Promise<Connection>;
}

/** One request to one endpoint, challenges answered. @throws RegistryError for all but 2xx, 404 and 416 */
export async function exchange(
	{http, authorizer, connection}: Exchange,
	endpoint: Endpoint,
	request: RegistryRequest,
	{signal}: Abortable,
): Promise<RegistryResponse> {
	const {method} = request;
	const url = urlOf(endpoint, request);
	const isHome = new URL(url).origin === endpoint.origin;
	const scopes = scopesOf(endpoint, request);
	let authorization = isHome ? await authorizer.prepare({endpoint, scopes}, {signal}) : undefined;
	// The second refusal meets a token that ran out or has too small a scope; a third would be a loop.
	for (let refusals = 0; ; refusals++) {
		const {response, finalUrl} = await follow(
			{http, endpoint, request, authorization, connection: other => connection(endpoint, other), signal},
			url,
		);
		const {status} = response;
		// Another host's wish for credentials is not for us to grant.
		if (status === 401 && refusals < 2 && isHome && new URL(finalUrl).origin === endpoint.origin) {
			const challenges = parseChallenges(response.header('www-authenticate'));
			await response.discard();
			const refused = authorization;
			authorization = await authorizer.answer({endpoint, scopes, challenges, refused, method, url}, {signal});
			continue;
		}
		if ((status >= 200 && status < 300) || status === 404 || status === 416)
			return withUrl(response, finalUrl, endpoint);
		const reads = method === 'GET' || method === 'HEAD';
		const isAway = reads && isHome && new URL(finalUrl).origin !== endpoint.origin;
		const isRefused = !isAway && (status === 401 || status === 403);
		const who = isRefused ? await authorizer.describe(endpoint) : undefined;
		throw await responseError(response, method, finalUrl, {who, sentBy: isAway ? endpoint.host : undefined});
	}
}

function withUrl(response: HttpResponse, url: string, endpoint: Endpoint): RegistryResponse {
	return {...response, url, isMirror: endpoint.isMirror};
}

/** The address of a request: paths of the protocol are those of this endpoint, whole addresses stay what they are. */
function urlOf(endpoint: Endpoint, request: RegistryRequest): string {
	const {path, repository} = request;
	if (/^https?:\/\//i.test(path)) return sameHost(endpoint, path);
	const url = new URL(endpoint.origin);
	const [pathname = '', query = ''] = split(path, '?');
	const begin = `/v2/${repository}/`;
	const below = pathname.startsWith(begin)
		? `/${endpoint.repository}/${pathname.slice(begin.length)}`
		: pathname.replace(/^\/v2(?=\/|$)/, '');
	url.pathname = `${endpoint.basePath}${below}`;
	url.search = query;
	const from = url.searchParams.get('from');
	if (from !== null && endpoint.repository !== repository)
		url.searchParams.set('from', renamed(endpoint, repository, from));
	if (endpoint.namespace !== undefined) url.searchParams.set('ns', endpoint.namespace);
	return url.href;
}

/** What another repository of the same registry is called at an endpoint that puts something before the names. */
function renamed(endpoint: Endpoint, repository: string, other: string): string {
	const isBelow = endpoint.repository.endsWith(`/${repository}`);
	return isBelow ? `${endpoint.repository.slice(0, -repository.length)}${other}` : other;
}

/** Registries behind a proxy that ends TLS often believe that they speak plain http: their own address is taken as ours. */
function sameHost(endpoint: Endpoint, path: string): string {
	const url = new URL(path);
	const home = new URL(endpoint.origin);
	const isDowngrade = url.protocol === 'http:' && home.protocol === 'https:' && url.hostname === home.hostname;
	if (!isDowngrade || (url.port !== '' && url.port !== home.port)) return path;
	return `${endpoint.origin}${url.pathname}${url.search}`;
}

function split(text: string, separator: string): [string, string?] {
	const at = text.indexOf(separator);
	return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** What a request does, as token servers call it (distribution, "Token Scope Documentation"). */
function scopesOf(endpoint: Endpoint, request: RegistryRequest): Scopes {
	const {method, repository, readsFrom = []} = request;
	if (repository === '') return parseScopes(request.path.startsWith('/v2/_catalog') ? 'registry:catalog:*' : '');
	const reads = method === 'GET' || method === 'HEAD';
	const actions = request.actions ?? (reads ? ['pull'] : method === 'DELETE' ? ['delete'] : ['pull', 'push']);
	return parseScopes(
		[
			`repository:${endpoint.repository}:${actions.join(',')}`,
			...readsFrom.map(other => `repository:${renamed(endpoint, repository, other)}:pull`),
		].join(' '),
	);
}
