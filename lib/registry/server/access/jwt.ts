import {createHmac, type KeyObject, timingSafeEqual, verify} from 'node:crypto';

/** What a token says (RFC 7519), and the repositories it opens (distribution, "Token Authentication Implementation"). */
export interface Claims {
	readonly iss?: unknown;
	readonly sub?: unknown;
	readonly aud?: unknown;
	readonly exp?: unknown;
	readonly nbf?: unknown;
	readonly access?: unknown;
	readonly [name: string]: unknown;
}

/** A key and what it may verify: an algorithm is a property of the key, never of the token that names one. */
export type JwtKey =
	| {readonly algorithm: 'HS256'; readonly secret: Buffer}
	| {readonly algorithm: 'RS256' | 'ES256'; readonly key: KeyObject; readonly id?: string | undefined};

export interface ExpectedClaims {
	readonly issuer: string;
	readonly audience: string;
	/** Milliseconds since the epoch. */
	readonly nowMs: number;
}

/** Clocks may differ by this much. */
const leewaySeconds = 60;
const maxTokenLength = 32 * 1024;

/** A signed token (HS256). */
export function signJwt(claims: Claims, secret: Buffer): string {
	const signed = `${encode({alg: 'HS256', typ: 'JWT'})}.${encode(claims)}`;
	return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The claims of a token whose signature, issuer, audience and times are right; else undefined. Never throws. */
export function verifyJwt(token: string, keys: readonly JwtKey[], expected: ExpectedClaims): Claims | undefined {
	const [header = '', payload = '', signature = '', more] = token.length > maxTokenLength ? [] : token.split('.');
	if (signature === '' || more !== undefined) return undefined;
	const {alg, kid, crit} = decode(header) ?? {};
	// RFC 7515, 4.1.11: what an extension changes is not known here.
	if (crit !== undefined) return undefined;
	const bytes = Buffer.from(signature, 'base64url');
	const signed = `${header}.${payload}`;
	const isRight = keys.some(key => key.algorithm === alg && hasId(key, kid) && isSignedBy(key, signed, bytes));
	const claims = isRight ? decode(payload) : undefined;
	return claims !== undefined && areExpected(claims, expected) ? claims : undefined;
}

function hasId(key: JwtKey, id: unknown): boolean {
	return key.algorithm === 'HS256' || key.id === undefined || id === undefined || key.id === id;
}

function isSignedBy(key: JwtKey, signed: string, signature: Buffer): boolean {
	if (key.algorithm === 'HS256') {
		const wanted = createHmac('sha256', key.secret).update(signed).digest();
		return wanted.length === signature.length && timingSafeEqual(wanted, signature);
	}
	// RFC 7518, 3.4: the two numbers of an ES256 signature stand one behind the other, without DER.
	const options = key.algorithm === 'ES256' ? ({key: key.key, dsaEncoding: 'ieee-p1363'} as const) : {key: key.key};
	try {
		return verify('sha256', Buffer.from(signed), options, signature);
	} catch {
		return false;
	}
}

function areExpected({iss, aud, exp, nbf}: Claims, {issuer, audience, nowMs}: ExpectedClaims): boolean {
	const now = nowMs / 1000;
	if (iss !== issuer || !(aud === audience || (Array.isArray(aud) && aud.includes(audience)))) return false;
	if (typeof exp !== 'number' || !(now < exp + leewaySeconds)) return false;
	return nbf === undefined || (typeof nbf === 'number' && now >= nbf - leewaySeconds);
}

function encode(value: object): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Claims | undefined {
	try {
		const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
	} catch {
		return undefined;
	}
}
