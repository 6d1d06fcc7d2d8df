import {randomBytes} from 'node:crypto';
import type {Observable} from '../../../core/events.js';
import {watchFiles} from '../watched-files.js';
import {parseAuthorization} from './authorization.js';
import {createPasswordCheck} from './bcrypt/check.js';
import {basicChallenge, type Challenger, createChallenger} from './challenge.js';
import {type OutsideIssuer, parseKeys, readOutsideToken} from './issuer.js';
import {type Logins, openLogins} from './logins.js';
import type {AccessAnswer, AccessPolicy, AccessRequest} from './policy.js';
import {isAllowed, pullRights, type Rights} from './rights.js';
import {parseAccessClaim, rightsOfScopes} from './scope.js';
import {createTokenServer, readOwnToken, type TokenKey} from './token-server.js';

export interface AccessOptions extends Observable {
	/** The path of an htpasswd file (bcrypt): its users may do everything. Read again when it changes. */
	readonly htpasswd?: string | undefined;
	/** The path of a file with tokens and their rights. Read again when it changes. */
	readonly tokens?: string | undefined;
	/** Whether everybody may pull and list. */
	readonly anonymousPull?: boolean | undefined;
	/** A token server elsewhere whose tokens are taken. */
	readonly issuer?: OutsideIssuer | undefined;
	/** Milliseconds since the epoch; default: the clock. */
	readonly now?: (() => number) | undefined;
}

/**
 * Access rules made of files. Passwords and tokens are taken as Basic credentials, tokens also as Bearer. With
 * `anonymousPull`, clients are sent to a token server of our own, those without a login too: docker logs in only where it was
 * challenged, and then cannot do without credentials unless the challenge is one for tokens.
 * @throws SealError ERR_ACCESS_FILE, ERR_YAML, ERR_IO, ERR_PERMISSION
 */
export async function openAccess(options: AccessOptions): Promise<AccessPolicy> {
	const {issuer, anonymousPull = false, now = Date.now} = options;
	const passwords = createPasswordCheck();
	const logins = await openLogins(options, passwords, now);
	const keys =
		issuer === undefined
			? undefined
			: await watchFiles([issuer.keyFile], ([content]) => parseKeys((content ?? '').toString(), issuer.keyFile), {
					warningCode: 'RegistryAccessFile',
					onEvent: options.onEvent,
				});
	const hasLogins = options.htpasswd !== undefined || options.tokens !== undefined;
	const own: TokenKey | undefined =
		anonymousPull && hasLogins && issuer === undefined ? {secret: randomBytes(32), now} : undefined;
	const anonymous = anonymousPull ? pullRights : undefined;
	const rules: Rules = {
		anonymous,
		hasLogins: hasLogins || issuer !== undefined,
		hasTokenServer: own !== undefined,
		challenger: createChallenger(issuer, own !== undefined),
		identify: async authorization => {
			const given = parseAuthorization(authorization);
			if (given.kind === 'none') return 'nobody';
			if (given.kind === 'malformed') return 'wrong';
			if (given.kind === 'password') {
				const login = await logins.byPassword(given.user, given.password);
				return typeof login === 'string' ? login : {...login, renewable: false};
			}
			const login = await logins.byToken(given.token);
			if (login !== undefined) return {...login, renewable: false};
			return (
				(await ownIdentity(given.token, own, logins, anonymous)) ??
				outsideIdentity(given.token, issuer, (await keys?.get()) ?? [], now()) ??
				'wrong'
			);
		},
	};
	return {
		check: request => check(rules, request),
		...(own === undefined ? {} : {tokens: createTokenServer(own, logins, anonymous)}),
		close: passwords.close,
	};
}

interface Rules {
	/** What those may do who give no credentials. */
	readonly anonymous: Rights | undefined;
	/** Whether there are any credentials that could help. */
	readonly hasLogins: boolean;
	readonly hasTokenServer: boolean;
	readonly challenger: Challenger;
	identify(authorization: string | undefined): Promise<Identity | 'nobody' | 'wrong' | 'busy'>;
}

interface Identity {
	/** Undefined for an anonymous token. */
	readonly user?: string | undefined;
	readonly rights: Rights;
	/** What the token at hand was made for. */
	readonly scope?: Rights | undefined;
	/** Whether a token server may give a token that opens more. */
	readonly renewable: boolean;
}

async function check(rules: Rules, request: AccessRequest): Promise<AccessAnswer> {
	const {actions, repository} = request;
	const identity = await rules.identify(request.authorization);
	const challenge = (error?: 'invalid_token' | 'insufficient_scope'): AccessAnswer => ({
		allowed: false,
		status: 401,
		challenge: rules.challenger(request, error) ?? basicChallenge,
		message: error === 'invalid_token' ? 'The credentials are not right' : 'Authentication is required',
	});
	const mayAll = (rights: Rights): boolean => actions.every(action => isAllowed(rights, action, repository));
	if (identity === 'busy') return {allowed: false, status: 429, message: 'Too many logins at once; try again soon'};
	if (identity === 'wrong') return challenge('invalid_token');
	if (identity === 'nobody') {
		// A client logs in where it is challenged first, and some cannot once they send a body: with a token server of ours nobody gets
		// anything without a token, as at Docker Hub. Elsewhere the ping is the place.
		const isFirst = rules.hasTokenServer ? request.origin !== undefined : actions.includes('ping') && rules.hasLogins;
		if (rules.anonymous !== undefined && !isFirst && mayAll(rules.anonymous)) return {allowed: true};
		return rules.hasLogins ? challenge() : denied(undefined, request);
	}
	const {user, rights, scope, renewable} = identity;
	if (mayAll(rights)) {
		if (scope === undefined || mayAll(scope)) return {allowed: true, user};
		return {...challenge('insufficient_scope'), user};
	}
	if (renewable && user === undefined) return challenge('insufficient_scope');
	return renewable && scope === undefined ? {...challenge('insufficient_scope'), user} : denied(user, request);
}

function denied(user: string | undefined, {actions, repository}: AccessRequest): AccessAnswer {
	const who = user === undefined ? 'Without credentials nobody' : JSON.stringify(user);
	const what = actions.includes('catalog') ? 'list the repositories' : actions.join(' and ');
	const verb = user === undefined ? 'may' : 'may not';
	const where = actions.includes('catalog') || repository === undefined ? '' : ` ${repository}`;
	return {allowed: false, status: 403, user, message: `${who} ${verb} ${what}${where}`};
}

async function ownIdentity(
	token: string,
	own: TokenKey | undefined,
	logins: Logins,
	anonymous: Rights | undefined,
): Promise<Identity | undefined> {
	const found = own === undefined ? undefined : readOwnToken(token, own);
	if (found === undefined) return undefined;
	// The rights of today count, not those of the moment when the token was made.
	const login = found.subject === undefined ? undefined : await logins.bySubject(found.subject);
	const rights = found.subject === undefined ? anonymous : login?.rights;
	return rights === undefined ? undefined : {user: login?.user, rights, scope: found.scope, renewable: true};
}

function outsideIdentity(
	token: string,
	issuer: OutsideIssuer | undefined,
	keys: Parameters<typeof readOutsideToken>[1],
	nowMs: number,
): Identity | undefined {
	const claims = issuer === undefined ? undefined : readOutsideToken(token, keys, issuer, nowMs);
	if (claims === undefined) return undefined;
	const user = typeof claims.sub === 'string' && claims.sub !== '' ? claims.sub : undefined;
	return {user, rights: rightsOfScopes(parseAccessClaim(claims.access)), renewable: true};
}
