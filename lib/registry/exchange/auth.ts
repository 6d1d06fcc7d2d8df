import {collect} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {CredentialSource, Credentials} from '../login/credentials.js';
import type {Challenge} from './challenge.js';
import {type Endpoint, isLoopback, isPrivate} from './endpoint.js';
import {RegistryError} from './error.js';
import type {Http} from './http.js';
import {responseError} from './response-error.js';

/** What a request says about who asks. */
export interface Authorizer {
	/** The header that worked last for this scope, if any. */
	known(endpoint: Endpoint, scope: string): string | undefined;
	/**
	 * Answers a challenge with a header, or undefined when there is nothing (new) to answer with.
	 * @throws RegistryError ERR_REGISTRY_UNAUTHORIZED, ERR_REGISTRY_RESPONSE
	 */
	answer(request: AuthRequest, options?: Abortable): Promise<string | undefined>;
}

export interface AuthRequest {
	readonly endpoint: Endpoint;
	readonly repository: string;
	/** What the request needs: `repository:library/redis:pull,push`, several separated by spaces. */
	readonly scope: string;
	readonly challenges: readonly Challenge[];
	/** The header that was refused. */
	readonly refused: string | undefined;
}

interface Granted {
	readonly header: string;
	readonly expiresAtMs: number;
}

/** Tokens live at least this long, whatever the server says (token specification: 60 s). */
const minLifeMs = 60_000;
/** Tokens are renewed when less of their life is left. */
const marginMs = 10_000;
const maxTokenBytes = 1024 * 1024;

export function createAuthorizer(
	http: Http,
	credentials: CredentialSource,
	now: () => number = () => performance.now(),
): Authorizer {
	const granted = new Map<string, Granted>();
	const running = new Map<string, Promise<string | undefined>>();
	const keyOf = (endpoint: Endpoint, scope: string): string => `${endpoint.origin}\n${scope}`;
	const known: Authorizer['known'] = (endpoint, scope) => {
		const found = granted.get(keyOf(endpoint, scope));
		return found !== undefined && found.expiresAtMs - marginMs > now() ? found.header : undefined;
	};

	const renew = async (request: AuthRequest, options: Abortable): Promise<string | undefined> => {
		const {endpoint, repository, scope, challenges, refused} = request;
		const who = await credentials(endpoint.host, repository);
		const bearer = challenges.find(({scheme}) => scheme === 'bearer');
		let grant: Granted | undefined;
		if (bearer !== undefined) grant = await bearerGrant(http, request, bearer, who, now, options);
		else if (challenges.some(({scheme}) => scheme === 'basic')) grant = basicGrant(endpoint, who);
		if (grant === undefined || grant.header === refused) return undefined;
		granted.set(keyOf(endpoint, scope), grant);
		return grant.header;
	};

	return {
		known,
		/** Many blobs meet the same 401 at once: one of them asks for the token. */
		async answer(request, options = {}) {
			const key = keyOf(request.endpoint, request.scope);
			const fresh = known(request.endpoint, request.scope);
			if (fresh !== undefined && fresh !== request.refused) return fresh;
			const asked = running.get(key) ?? renew(request, options).finally(() => running.delete(key));
			running.set(key, asked);
			return await asked;
		},
	};
}

function basicGrant(endpoint: Endpoint, who: Credentials | undefined): Granted | undefined {
	if (who?.kind !== 'password') return undefined;
	checkConfidential(endpoint.origin, endpoint);
	return {header: basicHeader(who), expiresAtMs: Number.POSITIVE_INFINITY};
}

function basicHeader({username, password}: {readonly username: string; readonly password: string}): string {
	return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function bearerGrant(
	http: Http,
	{endpoint, scope: wanted}: AuthRequest,
	challenge: Challenge,
	who: Credentials | undefined,
	now: () => number,
	{signal}: Abortable,
): Promise<Granted> {
	if (who?.kind === 'registry-token') {
		checkConfidential(endpoint.origin, endpoint);
		return {header: `Bearer ${who.token}`, expiresAtMs: Number.POSITIVE_INFINITY};
	}
	const realm = checkRealm(challenge.parameters.realm, endpoint);
	const scope = challenge.parameters.scope ?? wanted;
	const {service} = challenge.parameters;
	if (who !== undefined) checkConfidential(realm.origin, endpoint);
	const {insecure} = endpoint;
	const response =
		who?.kind === 'identity-token'
			? await http.send({method: 'POST', insecure, signal, ...refreshRequest(realm, who.token, scope, service)})
			: await http.send({method: 'GET', insecure, signal, ...tokenRequest(realm, who, scope, service)});
	if (response.status !== 200) throw await responseError(response, 'GET', realm.href);
	const text = (await collect(response.body, maxTokenBytes, `The token of ${realm.host}`)).toString('utf8');
	return readToken(text, realm, now());
}

function tokenRequest(
	realm: URL,
	who: Extract<Credentials, {kind: 'password'}> | undefined,
	scope: string,
	service: string | undefined,
): {readonly url: string; readonly headers: Record<string, string>} {
	const url = new URL(realm);
	if (service !== undefined) url.searchParams.set('service', service);
	for (const part of scope.split(' ').filter(one => one !== '')) url.searchParams.append('scope', part);
	if (who !== undefined) url.searchParams.set('account', who.username);
	return {url: url.href, headers: who === undefined ? {} : {authorization: basicHeader(who)}};
}

/** OAuth2 as docker's token servers speak it. */
function refreshRequest(
	realm: URL,
	token: string,
	scope: string,
	service: string | undefined,
): {readonly url: string; readonly headers: Record<string, string>; readonly body: string} {
	const body = new URLSearchParams({
		grant_type: 'refresh_token',
		service: service ?? realm.host,
		client_id: 'sealimage',
		scope,
		refresh_token: token,
	});
	return {
		url: realm.href,
		headers: {'content-type': 'application/x-www-form-urlencoded'},
		body: body.toString(),
	};
}

interface TokenAnswer {
	readonly token?: unknown;
	readonly access_token?: unknown;
	readonly expires_in?: unknown;
}

function readToken(text: string, realm: URL, nowMs: number): Granted {
	const answer = parseAnswer(text);
	const token = [answer.token, answer.access_token].find(one => typeof one === 'string' && /^[\x21-\x7e]+$/.test(one));
	if (token === undefined) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `The token server ${realm.host} gave no token`, {url: realm.href});
	}
	const seconds = Number(answer.expires_in ?? 60);
	const lifeMs = Math.max(minLifeMs, Number.isFinite(seconds) ? seconds * 1000 : 0);
	return {header: `Bearer ${String(token)}`, expiresAtMs: nowMs + lifeMs};
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
	if (url.protocol === 'http:' && registry.protocol === 'https:' && !isLoopback(url.host)) throw bad('is not secure');
	if (isPrivate(url.host) && !isPrivate(registry.host) && registry.hostname !== url.hostname) {
		throw bad('is inside of a private network');
	}
	return url;
}

/** Passwords go over https, to this machine, or to hosts that were declared insecure; nowhere else. */
function checkConfidential(origin: string, endpoint: Endpoint): void {
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
