import {collect} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import {isLoopback, isPrivate} from '../hosts/address.js';
import type {Endpoint} from '../hosts/endpoint.js';
import {type Credentials, describeCredentials} from '../login/credentials.js';
import type {Challenge} from './challenge.js';
import {RegistryError} from './error.js';
import type {Http, HttpRequest} from './http.js';
import {responseError} from './response-error.js';
import {formatScopes, type Scopes} from './scope.js';

export interface TokenRequest extends Abortable {
	readonly endpoint: Endpoint;
	readonly challenge: Challenge;
	readonly scopes: Scopes;
	readonly credentials: Credentials | undefined;
	/** How the token server is connected to. */
	readonly connection: (url: string) => Promise<Pick<HttpRequest, 'tls' | 'connectTimeoutMs' | 'caPath'>>;
}

export interface Token {
	readonly text: string;
	/** From the answer on; servers' clocks do not count. */
	readonly lifeMs: number;
}

/** Tokens live at least this long, whatever the server says (distribution, "Token Authentication Specification"). */
const minLifeMs = 60_000;
const maxTokenBytes = 1024 * 1024;

/**
 * Asks the token server that a challenge names: an identity token is exchanged by POST as OAuth2 has it, everything else
 * goes by GET.
 * @throws RegistryError ERR_REGISTRY_UNAUTHORIZED, ERR_REGISTRY_RESPONSE, ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_TLS
 */
export async function fetchToken(http: Http, request: TokenRequest): Promise<Token> {
	const {endpoint, challenge, credentials, signal} = request;
	const realm = checkRealm(challenge.parameters.realm, endpoint);
	if (credentials !== undefined) checkConfidential(realm.origin, endpoint);
	const connection = await request.connection(realm.href);
	const send = async (form: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>): Promise<HttpResponse> =>
		http.send({...form, ...connection, signal, headers: {'user-agent': 'sealimage', ...form.headers}});
	const isIdentity = credentials?.kind === 'identity-token';
	let response = await send(isIdentity ? refreshForm(realm, request, credentials.token) : queryForm(realm, request));
	if (isIdentity && (response.status === 404 || response.status === 405)) {
		// The older protocol knows GET alone; there the token stands for a password.
		await response.discard();
		response = await send(queryForm(realm, request));
	}
	if (response.status !== 200) throw await refusal(response, realm, credentials);
	const text = (await collect(response.body, maxTokenBytes, `The token of ${realm.host}`)).toString('utf8');
	return readToken(text, realm);
}

export function basicHeader(username: string, password: string): string {
	return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Passwords go over https, to this machine, or to hosts that were declared insecure; nowhere else. */
export function checkConfidential(origin: string, endpoint: Endpoint): void {
	const url = new URL(origin);
	if (url.protocol === 'https:' || isLoopback(url.host) || endpoint.insecure) return;
	throw new RegistryError(
		'ERR_REGISTRY_UNAUTHORIZED',
		`${endpoint.host} wants credentials over a connection that is not secure`,
		{
			url: origin,
			hint: 'Use https, or declare the registry insecure.',
		},
	);
}

function queryForm(
	realm: URL,
	{challenge, scopes, credentials}: TokenRequest,
): Pick<HttpRequest, 'method' | 'url' | 'headers'> {
	const url = new URL(realm);
	const {service} = challenge.parameters;
	if (service !== undefined) url.searchParams.set('service', service);
	for (const scope of formatScopes(scopes)) url.searchParams.append('scope', scope);
	const login = loginOf(credentials);
	if (login === undefined) return {method: 'GET', url: url.href};
	url.searchParams.set('account', login.username);
	return {method: 'GET', url: url.href, headers: {authorization: basicHeader(login.username, login.password)}};
}

function loginOf(
	credentials: Credentials | undefined,
): {readonly username: string; readonly password: string} | undefined {
	if (credentials?.kind === 'password') return credentials;
	if (credentials?.kind !== 'identity-token') return undefined;
	return {username: credentials.username ?? '<token>', password: credentials.token};
}

/** OAuth2 as docker's token servers speak it. */
function refreshForm(
	realm: URL,
	{challenge, scopes}: TokenRequest,
	token: string,
): Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'> {
	const body = new URLSearchParams({
		grant_type: 'refresh_token',
		service: challenge.parameters.service ?? realm.host,
		client_id: 'sealimage',
		scope: formatScopes(scopes).join(' '),
		refresh_token: token,
	});
	return {
		method: 'POST',
		url: realm.href,
		headers: {'content-type': 'application/x-www-form-urlencoded'},
		body: body.toString(),
	};
}

async function refusal(
	response: HttpResponse,
	realm: URL,
	credentials: Credentials | undefined,
): Promise<RegistryError> {
	const error = await responseError(response, 'GET', realm.href);
	if (credentials === undefined || ![400, 401, 403].includes(response.status)) return error;
	const said = error.errors.map(({code, message}) => message || code).join('; ');
	return new RegistryError(
		'ERR_REGISTRY_UNAUTHORIZED',
		`${realm.host} refuses ${describeCredentials(credentials)}${said === '' ? '' : `: ${said}`}`,
		{
			url: realm.href,
			status: response.status,
			errors: error.errors,
			hint: 'Log in to the registry again.',
		},
	);
}

interface TokenAnswer {
	readonly token?: unknown;
	readonly access_token?: unknown;
	readonly expires_in?: unknown;
}

function readToken(text: string, realm: URL): Token {
	const answer = parseAnswer(text);
	const token = [answer.token, answer.access_token].find(one => typeof one === 'string' && /^[\x21-\x7e]+$/.test(one));
	if (token === undefined) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `The token server ${realm.host} gave no token`, {url: realm.href});
	}
	const seconds = Number(answer.expires_in ?? 60);
	return {text: String(token), lifeMs: Math.max(minLifeMs, Number.isFinite(seconds) ? seconds * 1000 : 0)};
}

function parseAnswer(text: string): TokenAnswer {
	try {
		return (JSON.parse(text) as TokenAnswer | null) ?? {};
	} catch {
		return {};
	}
}

/** A registry may not send our password where it likes. */
function checkRealm(realm: string | undefined, endpoint: Endpoint): URL {
	const bad = (why: string): RegistryError =>
		new RegistryError('ERR_REGISTRY_RESPONSE', `${endpoint.host} names a token server that ${why}`, {
			url: endpoint.origin,
			details: {realm: realm?.slice(0, 200)},
		});
	if (realm === undefined || !URL.canParse(realm)) throw bad('is no URL');
	const url = new URL(realm);
	if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('is no web address');
	if (url.username !== '' || url.password !== '') throw bad('has credentials of its own in it');
	const registry = new URL(endpoint.origin);
	if (endpoint.insecure) return url;
	if (url.protocol === 'http:' && registry.protocol === 'https:' && !isLoopback(url.host)) throw bad('is not secure');
	if (isPrivate(url.host) && !isPrivate(registry.host) && registry.hostname !== url.hostname) {
		throw bad('is inside of a private network');
	}
	return url;
}
