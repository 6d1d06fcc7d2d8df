import {createHmac, generateKeyPairSync, type KeyObject, sign} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {parseKeys} from '../../../../lib/registry/server/access/issuer.js';
import {type JwtKey, signJwt, verifyJwt} from '../../../../lib/registry/server/access/jwt.js';

const rsa = generateKeyPairSync('rsa', {modulusLength: 2048});
const ec = generateKeyPairSync('ec', {namedCurve: 'P-256'});
const secret = Buffer.alloc(32, 7);
const nowMs = 1_800_000_000_000;
const now = nowMs / 1000;
const expected = {issuer: 'them', audience: 'us', nowMs};
const good = {iss: 'them', aud: 'us', exp: now + 60};
const keys: JwtKey[] = [
	...parseKeys(String(rsa.publicKey.export({type: 'spki', format: 'pem'})), 'rsa'),
	...parseKeys(JSON.stringify({keys: [{...ec.publicKey.export({format: 'jwk'}), kid: 'k1'}]}), 'ec'),
	{algorithm: 'HS256', secret},
];

function part(value: unknown): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function made(header: object, claims: object, key: KeyObject): string {
	const text = `${part(header)}.${part(claims)}`;
	const signature = sign('sha256', Buffer.from(text), {key, dsaEncoding: 'ieee-p1363'});
	return `${text}.${signature.toString('base64url')}`;
}

test('tokens signed with RS256, ES256 and HS256 are verified', t => {
	t.deepEqual(verifyJwt(made({alg: 'RS256'}, good, rsa.privateKey), keys, expected), good);
	t.deepEqual(verifyJwt(made({alg: 'ES256', kid: 'k1'}, good, ec.privateKey), keys, expected), good);
	t.deepEqual(verifyJwt(signJwt(good, secret), keys, expected), good);
});

test('a token that names the wrong algorithm, key or extension is refused', t => {
	const publicPem = String(rsa.publicKey.export({type: 'spki', format: 'pem'}));
	const text = `${part({alg: 'HS256'})}.${part(good)}`;
	const confused = `${text}.${createHmac('sha256', publicPem).update(text).digest('base64url')}`;
	t.is(verifyJwt(confused, keys, expected), undefined, 'the public key as a secret');
	t.is(verifyJwt(`${part({alg: 'none'})}.${part(good)}.`, keys, expected), undefined);
	t.is(verifyJwt(`${part({alg: 'none'})}.${part(good)}.x`, keys, expected), undefined);
	t.is(verifyJwt(made({alg: 'ES256', kid: 'k2'}, good, ec.privateKey), keys, expected), undefined);
	t.is(verifyJwt(made({alg: 'RS256', crit: ['x']}, good, rsa.privateKey), keys, expected), undefined);
	t.is(verifyJwt(made({alg: 'RS384'}, good, rsa.privateKey), keys, expected), undefined);
});

const claims = test.macro({
	exec(t, change: Record<string, unknown>, accepted: boolean) {
		t.is(verifyJwt(signJwt({...good, ...change}, secret), keys, expected) !== undefined, accepted);
	},
	title: (_, change, accepted) =>
		`claims with ${JSON.stringify(change, (_key, value: unknown) => value ?? null)} are ${accepted ? 'accepted' : 'refused'}`,
});

test(claims, {iss: 'others'}, false);
test(claims, {aud: 'others'}, false);
test(claims, {aud: ['others', 'us']}, true);
test(claims, {aud: undefined}, false);
test(claims, {exp: now - 59}, true);
test(claims, {exp: now - 61}, false);
test(claims, {exp: undefined}, false);
test(claims, {exp: '9'}, false);
test(claims, {nbf: now + 59}, true);
test(claims, {nbf: now + 61}, false);

test('a token with one character changed is refused, and no text makes the reader throw', t => {
	const token = signJwt(good, secret);
	fc.assert(
		fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'B', '.', '_'), (at, character) => {
			const changed = token.slice(0, at) + character + token.slice(at + 1);
			const last = at === token.length - 1;
			return changed === token || last || verifyJwt(changed, keys, expected) === undefined;
		}),
	);
	fc.assert(fc.property(fc.string(), text => verifyJwt(text, keys, expected) === undefined));
	fc.assert(
		fc.property(fc.json(), fc.json(), (a, b) => verifyJwt(`${part(a)}.${part(b)}.x`, keys, expected) === undefined),
	);
	t.pass();
});

test('key files with weak, private or no keys are refused', t => {
	const weak = generateKeyPairSync('rsa', {modulusLength: 1024}).publicKey.export({type: 'spki', format: 'pem'});
	const other = generateKeyPairSync('ed25519').publicKey.export({type: 'spki', format: 'pem'});
	const hidden = rsa.privateKey.export({type: 'pkcs8', format: 'pem'});
	const code = 'ERR_ACCESS_FILE';
	t.throws(() => parseKeys(String(weak), 'f'), {
		code,
		message: /neither RSA of at least 2048 bits nor of the curve P-256/,
	});
	t.throws(() => parseKeys(String(other), 'f'), {code});
	t.throws(() => parseKeys(String(hidden), 'f'), {code, message: 'The key file f holds a private key'});
	t.throws(() => parseKeys(JSON.stringify({keys: [rsa.privateKey.export({format: 'jwk'})]}), 'f'), {code});
	t.throws(() => parseKeys('', 'f'), {code, message: 'The key file f holds no public key'});
	t.throws(() => parseKeys('{', 'f'), {code, message: 'The key file f is no JSON'});
	t.throws(() => parseKeys('-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----', 'f'), {code});
});
