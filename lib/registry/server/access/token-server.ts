import {parseAuthorization} from './authorization.js';
import {basicChallenge, ownService} from './challenge.js';
import {signJwt, verifyJwt} from './jwt.js';
import type {Logins} from './logins.js';
import type {TokenAnswer, TokenRequest, TokenServer} from './policy.js';
import type {Rights} from './rights.js';
import {grantedScopes, parseAccessClaim, parseScopes, rightsOfScopes} from './scope.js';

/** Signs and verifies the tokens of one server. The secret lives as long as the process: after a restart clients ask anew. */
export interface TokenKey {
	readonly secret: Buffer;
	/** Milliseconds since the epoch. */
	now(): number;
}

/** Clients renew in time; docker and containerd expect at least a minute. */
const lifeSeconds = 300;
const issuerName = 'sealimage';

/** Gives short-lived tokens for those parts of a scope that somebody may have; who may have none of it gets a token without rights. */
export function createTokenServer(key: TokenKey, logins: Logins, anonymous: Rights | undefined): TokenServer {
	return {
		async issue(request) {
			const {parameters} = request;
			const who = await whoAsks(request, logins);
			if (who === 'unsupported') {
				return {status: 400, body: {error: 'unsupported_grant_type', error_description: 'Use grant_type=password'}};
			}
			if (who === 'busy') return {status: 429, headers: {'retry-after': '1'}, body: errors('TOOMANYREQUESTS')};
			if (who === 'wrong' || (who === undefined && anonymous === undefined)) return unauthorized();
			const rights = who?.rights ?? anonymous;
			const scopes = parseScopes(parameters.getAll('scope'));
			const access = rights === undefined ? [] : grantedScopes(scopes, rights);
			const now = Math.floor(key.now() / 1000);
			const token = signJwt(
				{iss: issuerName, aud: ownService, sub: who?.subject, iat: now, exp: now + lifeSeconds, access},
				key.secret,
			);
			return {
				status: 200,
				user: who?.user,
				headers: {'cache-control': 'no-store'},
				body: {token, access_token: token, expires_in: lifeSeconds, issued_at: new Date(now * 1000).toISOString()},
			};
		},
	};
}

/** What one of our own tokens says; undefined for all others. */
export function readOwnToken(
	token: string,
	key: TokenKey,
): {readonly subject: string | undefined; readonly scope: Rights} | undefined {
	const expected = {issuer: issuerName, audience: ownService, nowMs: key.now()};
	const claims = verifyJwt(token, [{algorithm: 'HS256', secret: key.secret}], expected);
	if (claims === undefined) return undefined;
	const subject = typeof claims.sub === 'string' ? claims.sub : undefined;
	return {subject, scope: rightsOfScopes(parseAccessClaim(claims.access))};
}

async function whoAsks(
	{method, authorization, parameters}: TokenRequest,
	logins: Logins,
): Promise<Awaited<ReturnType<Logins['byPassword']>> | 'unsupported' | undefined> {
	const given = parseAuthorization(authorization);
	if (given.kind === 'password') return await logins.byPassword(given.user, given.password);
	if (given.kind !== 'none') return 'wrong';
	if (method === 'GET') return undefined;
	// containerd sends the password in the form; there are no refresh tokens to send.
	if (parameters.get('grant_type') !== 'password') return 'unsupported';
	return await logins.byPassword(parameters.get('username') ?? '', parameters.get('password') ?? '');
}

function unauthorized(): TokenAnswer {
	return {status: 401, headers: {'www-authenticate': basicChallenge}, body: errors('UNAUTHORIZED')};
}

function errors(code: 'UNAUTHORIZED' | 'TOOMANYREQUESTS'): object {
	const message = code === 'UNAUTHORIZED' ? 'The credentials are not right' : 'Too many logins at once; try again soon';
	return {errors: [{code, message}]};
}
