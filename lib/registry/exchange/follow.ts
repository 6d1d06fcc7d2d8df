import type {HttpResponse} from '../../core/http.js';
import {isLoopback, isPrivate} from '../hosts/address.js';
import type {Endpoint} from '../hosts/endpoint.js';
import {RegistryError} from './error.js';
import type {Http, HttpRequest} from './http.js';
import type {RegistryRequest} from './transport.js';

export type Connection = Pick<HttpRequest, 'tls' | 'connectTimeoutMs' | 'caPath'>;

export interface Journey {
	readonly http: Http;
	readonly endpoint: Endpoint;
	readonly request: RegistryRequest;
	readonly authorization: string | undefined;
	/** How another host is connected to. */
	readonly connection: (url: string) => Promise<Connection>;
	readonly signal: AbortSignal | undefined;
}

const maxRedirects = 5;

/**
 * Sends a request and follows redirects. Our credentials, and what the configuration adds to requests, are for the registry
 * alone: another origin never sees them, nor does anyone after it. Writes follow only where the method is kept.
 */
export async function follow(
	journey: Journey,
	from: string,
): Promise<{readonly response: HttpResponse; readonly finalUrl: string}> {
	const {http, endpoint, request, authorization, signal} = journey;
	const {method, idleTimeoutMs, bulk} = request;
	let url = from;
	let atHome = new URL(from).origin === endpoint.origin;
	if (!atHome) checkTarget(endpoint, method, from, endpoint.origin, undefined);
	for (let hops = 0; ; hops++) {
		const headers = {
			'user-agent': 'sealimage',
			...(atHome ? endpoint.headers : {}),
			...request.headers,
			...(atHome && authorization !== undefined ? {authorization} : {}),
		};
		const connection = atHome ? homeConnection(endpoint) : await journey.connection(url);
		const response = await http.send({
			method,
			url,
			headers,
			body: request.body?.(),
			idleTimeoutMs,
			bulk,
			...connection,
			signal,
		});
		if (![301, 302, 303, 307, 308].includes(response.status)) return {response, finalUrl: url};
		const location = response.header('location');
		await response.discard();
		const {status} = response;
		if (hops >= maxRedirects) throw wrong(endpoint, 'redirects for ever', method, url, status);
		if (location === undefined || !URL.canParse(location, url))
			throw wrong(endpoint, 'redirects to nowhere', method, url, status);
		if (method !== 'GET' && method !== 'HEAD' && status !== 307 && status !== 308)
			throw wrong(endpoint, 'redirects a write in a way that would make it a read', method, url, status);
		const next = new URL(location, url);
		checkTarget(endpoint, method, next.href, url, status);
		atHome &&= next.origin === endpoint.origin;
		url = next.href;
	}
}

export function homeConnection({tls, connectTimeoutMs, caPath}: Endpoint): Connection {
	return {tls, connectTimeoutMs, caPath};
}

/**
 * Where a registry may send us on: not to a weaker connection, and not into a network that it could not reach itself.
 * @throws RegistryError ERR_REGISTRY_RESPONSE
 */
export function checkTarget(
	endpoint: Endpoint,
	method: string,
	target: string,
	url: string,
	status: number | undefined,
): void {
	const next = new URL(target);
	const bad = (why: string): RegistryError => wrong(endpoint, `redirects to ${why}`, method, url, status);
	if (next.protocol !== 'https:' && next.protocol !== 'http:') throw bad(next.protocol);
	if (next.username !== '' || next.password !== '') throw bad('an address with credentials in it');
	const registry = new URL(endpoint.origin);
	const isAtHome = next.hostname === registry.hostname;
	if (next.protocol === 'http:' && url.startsWith('https:') && !endpoint.insecure && !isLoopback(next.host))
		throw bad('a connection that is not secure');
	if (isAtHome || isPrivate(registry.host) || endpoint.insecure) return;
	const reads = method === 'GET' || method === 'HEAD';
	// Content is verified, whoever sends it; but nothing on this machine is for a stranger to read or write.
	if (isLoopback(next.host) || /^169\.254\.|^\[fe80:/i.test(next.host)) throw bad('this machine');
	if (!reads && isPrivate(next.host)) throw bad('an address inside of a private network');
}

function wrong(
	endpoint: Endpoint,
	why: string,
	method: string,
	url: string,
	status: number | undefined,
): RegistryError {
	return new RegistryError('ERR_REGISTRY_RESPONSE', `${endpoint.host} ${why}`, {
		method,
		url,
		...(status === undefined ? {} : {status}),
	});
}
