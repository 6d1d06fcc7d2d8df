import {createSharedWork} from '../../core/abortable.js';
import type {Abortable} from '../../core/events.js';
import type {Endpoint} from '../hosts/endpoint.js';
import {type CredentialSource, type Credentials, describeCredentials} from '../login/credentials.js';
import type {Challenge} from './challenge.js';
import {RegistryError} from './error.js';
import type {Http} from './http.js';
import {coversScopes, formatScopes, mergeScopes, parseScopes, type Scopes} from './scope.js';
import {basicHeader, checkConfidential, fetchToken, type TokenRequest} from './token.js';

/** What a request says about who asks. */
export interface Authorizer {
	/**
	 * The header to begin with: one that was good for as much before, or a new one when this registry is known to ask.
	 * Undefined when it was never asked, or nothing can be had.
	 */
	prepare(request: AuthRequest, options?: Abortable): Promise<string | undefined>;
	/**
	 * Answers a challenge with a header that was not refused yet.
	 * @throws RegistryError ERR_REGISTRY_UNAUTHORIZED, ERR_REGISTRY_RESPONSE; SealError ERR_CREDENTIALS
	 */
	answer(request: AuthRequest & Refusal, options?: Abortable): Promise<string>;
	/** What this repository is asked for with, in words; undefined for anonymous access. */
	describe(endpoint: Endpoint): Promise<string | undefined>;
}

export interface AuthRequest {
	readonly endpoint: Endpoint;
	/** What the request needs: `repository:library/redis:pull,push`. */
	readonly scopes: Scopes;
}

export interface Refusal {
	readonly challenges: readonly Challenge[];
	/** The header that was refused. */
	readonly refused: string | undefined;
	/** For errors. */
	readonly method: string;
	readonly url: string;
}

interface Grant {
	readonly header: string;
	readonly scopes: Scopes;
	readonly expiresAtMs: number;
}

/** Tokens are renewed when less of their life is left. */
const marginMs = 10_000;
/** Of one registry; a mirror of everything asks for a thousand repositories. */
const maxGrants = 256;

interface Known {
	/** The last challenge: what is asked of one repository is asked of the next. */
	challenge: Challenge | undefined;
	grants: readonly Grant[];
}

export interface AuthorizerOptions {
	readonly credentials: CredentialSource;
	readonly connection: TokenRequest['connection'];
	/** Milliseconds that only go forward: the clock of neither side counts. */
	readonly now?: (() => number) | undefined;
}

export function createAuthorizer(http: Http, options: AuthorizerOptions): Authorizer {
	const {credentials, connection, now = () => performance.now()} = options;
	const registries = new Map<string, Known>();
	const shared = createSharedWork<Grant | undefined>();
	const knownOf = (endpoint: Endpoint): Known => {
		const key = `${endpoint.host} ${endpoint.origin}`;
		const known = registries.get(key) ?? {challenge: undefined, grants: []};
		registries.set(key, known);
		return known;
	};
	const find = (known: Known, scopes: Scopes): Grant | undefined =>
		known.grants.find(grant => grant.expiresAtMs - marginMs > now() && coversScopes(grant.scopes, scopes));

	/** Many blobs meet the same 401 at once: one of them asks for the token, and its abort is not that of the others. */
	const obtain = async (
		endpoint: Endpoint,
		challenge: Challenge,
		scopes: Scopes,
		abortable: Abortable,
	): Promise<Grant | undefined> => {
		const key = [endpoint.host, endpoint.origin, challenge.scheme, ...formatScopes(scopes)].join(' ');
		const ask = async (signal: AbortSignal): Promise<Grant | undefined> => {
			const who = await credentials(endpoint.host, endpoint.repository, {signal});
			const known = knownOf(endpoint);
			const grant =
				challenge.scheme === 'basic'
					? basicGrant(endpoint, who, scopes)
					: await bearerGrant(http, {endpoint, challenge, scopes, credentials: who, connection, signal}, now);
			known.challenge = challenge;
			if (grant !== undefined) remember(known, grant, now());
			return grant;
		};
		return await shared(key, ask, abortable);
	};

	return {
		async prepare({endpoint, scopes}, abortable = {}) {
			const known = knownOf(endpoint);
			const found = find(known, scopes);
			if (found !== undefined || known.challenge === undefined) return found?.header;
			const wider = widened(known, scopes);
			try {
				return (await obtain(endpoint, known.challenge, wider, abortable))?.header;
			} catch (error) {
				abortable.signal?.throwIfAborted();
				// Without a header the registry says itself what is missing, if anything is.
				if (error instanceof RegistryError) return undefined;
				throw error;
			}
		},
		async answer({endpoint, scopes, challenges, refused, method, url}, abortable = {}) {
			const known = knownOf(endpoint);
			const challenge = choose(challenges);
			const wanted = mergeScopes(scopes, parseScopes(challenge?.parameters.scope ?? ''));
			const found = find(known, wanted);
			if (found !== undefined && found.header !== refused) return found.header;
			known.grants = known.grants.filter(({header}) => header !== refused);
			const grant =
				challenge === undefined ? undefined : await obtain(endpoint, challenge, widened(known, wanted), abortable);
			if (grant !== undefined && grant.header !== refused) return grant.header;
			throw unauthorized(endpoint, await credentials(endpoint.host, endpoint.repository), method, url);
		},
		async describe(endpoint) {
			const who = await credentials(endpoint.host, endpoint.repository);
			return who === undefined ? undefined : describeCredentials(who);
		},
	};
}

/** One header may be good for several repositories: a password is, and some servers give the same token again. */
function remember(known: Known, grant: Grant, nowMs: number): void {
	const same = known.grants.filter(({header}) => header === grant.header).map(({scopes}) => scopes);
	const merged = {...grant, scopes: mergeScopes(grant.scopes, ...same)};
	const others = known.grants.filter(
		({header, scopes, expiresAtMs}) =>
			expiresAtMs > nowMs && header !== grant.header && !coversScopes(merged.scopes, scopes),
	);
	known.grants = [merged, ...others].slice(0, maxGrants);
}

/** Bearer where there is a choice: it tells less than a password. */
function choose(challenges: readonly Challenge[]): Challenge | undefined {
	return challenges.find(({scheme}) => scheme === 'bearer') ?? challenges.find(({scheme}) => scheme === 'basic');
}

/** What was granted before for the same resources is asked for again: a push that pulls now and then needs one token for both. */
function widened(known: Known, scopes: Scopes): Scopes {
	const before = known.grants.filter(grant => [...scopes.keys()].some(resource => grant.scopes.has(resource)));
	const same = before.map(grant => new Map([...grant.scopes].filter(([resource]) => scopes.has(resource))) as Scopes);
	return mergeScopes(scopes, ...same);
}

/** A password is good for all that one may do with a repository. */
function basicGrant(endpoint: Endpoint, who: Credentials | undefined, scopes: Scopes): Grant | undefined {
	if (who?.kind !== 'password') return undefined;
	checkConfidential(endpoint.origin, endpoint);
	return forEver(basicHeader(who.username, who.password), scopes);
}

function forEver(header: string, scopes: Scopes): Grant {
	const all = new Map([...scopes.keys()].map(resource => [resource, new Set(['*'])]));
	return {header, scopes: all, expiresAtMs: Number.POSITIVE_INFINITY};
}

async function bearerGrant(http: Http, request: TokenRequest, now: () => number): Promise<Grant> {
	const {endpoint, scopes, credentials} = request;
	if (credentials?.kind === 'registry-token') {
		checkConfidential(endpoint.origin, endpoint);
		return forEver(`Bearer ${credentials.token}`, scopes);
	}
	const token = await fetchToken(http, request);
	return {header: `Bearer ${token.text}`, scopes, expiresAtMs: now() + token.lifeMs};
}

function unauthorized(endpoint: Endpoint, who: Credentials | undefined, method: string, url: string): RegistryError {
	const what = who === undefined ? 'wants credentials' : `refuses ${describeCredentials(who)}`;
	return new RegistryError('ERR_REGISTRY_UNAUTHORIZED', `${endpoint.host} ${what}`, {
		method,
		url,
		status: 401,
		hint: `Check the name of the image, and log in${who === undefined ? '' : ' again'} with "sealimage login ${endpoint.host}".`,
	});
}
