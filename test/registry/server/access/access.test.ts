import {generateKeyPairSync, sign} from 'node:crypto';
import {renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../../lib/core/events.js';
import {type AccessOptions, openAccess} from '../../../../lib/registry/server/access/access.js';
import type {AccessAnswer, AccessPolicy, Action} from '../../../../lib/registry/server/access/policy.js';
import {basic, htpasswdLine, tokenHash} from '../../../helpers/server-access.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const origin = 'https://registry.example:5000';
const alice = basic('alice', 'wonder');

interface Setup {
	readonly dir: string;
	readonly access: AccessPolicy;
	ask(action: Action, repository?: string, authorization?: string): Promise<AccessAnswer>;
	/** A token of our own server for a scope, as a Bearer header. */
	token(scope: string, authorization?: string): Promise<string>;
}

async function setUp(t: ExecutionContext, more: AccessOptions = {}): Promise<Setup> {
	const dir = tempDir(t);
	const htpasswd = join(dir, 'htpasswd');
	const tokens = join(dir, 'tokens.yaml');
	writeFileSync(htpasswd, htpasswdLine('alice', 'wonder'));
	writeFileSync(
		tokens,
		`- {name: ci, hash: '${tokenHash('ci-secret')}', pull: base, push: shop/**}\n- {name: old, hash: '${tokenHash('old-secret')}', pull: '**', expires: 2020-01-01}\n`,
	);
	const access = await openAccess({htpasswd, tokens, ...more});
	t.teardown(() => access.close?.());
	return {
		dir,
		access,
		ask: (action, repository, authorization) => access.check({actions: [action], repository, authorization, origin}),
		async token(scope, authorization) {
			const parameters = new URLSearchParams({scope});
			const answer = await access.tokens?.issue({method: 'GET', authorization, parameters});
			return `Bearer ${((answer?.body ?? {}) as {token?: string}).token}`;
		},
	};
}

test('users of an htpasswd file may do everything, others are challenged', async t => {
	const {ask} = await setUp(t);
	t.deepEqual(await ask('push', 'any/thing', alice), {allowed: true, user: 'alice'});
	t.deepEqual(await ask('catalog', undefined, alice), {allowed: true, user: 'alice'});
	for (const wrong of [
		undefined,
		basic('alice', 'x'),
		basic('bob', 'wonder'),
		'Basic ????',
		'Digest x',
		basic('', ''),
	]) {
		t.like(await ask('pull', 'any/thing', wrong), {allowed: false, status: 401, challenge: 'Basic realm="sealimage"'});
	}
	t.like(await ask('ping'), {allowed: false, status: 401});
	t.like(await ask('ping', undefined, alice), {allowed: true});
});

test('a token opens its own repositories only, as a password and as a bearer token', async t => {
	const {ask} = await setUp(t);
	for (const ci of [basic('ci', 'ci-secret'), 'Bearer ci-secret']) {
		t.deepEqual(await ask('push', 'shop/web', ci), {allowed: true, user: 'ci'});
		t.deepEqual(await ask('pull', 'base', ci), {allowed: true, user: 'ci'});
		t.deepEqual(await ask('push', 'base', ci), {
			allowed: false,
			status: 403,
			user: 'ci',
			message: '"ci" may not push base',
		});
		t.like(await ask('catalog', undefined, ci), {status: 403, message: '"ci" may not list the repositories'});
		t.like(await ask('ping', undefined, ci), {allowed: true});
	}
	t.like(await ask('pull', 'base', 'Bearer nonsense'), {allowed: false, status: 401});
	t.like(await ask('pull', 'base', basic('other', 'ci-secret')), {allowed: false, status: 401});
	t.like(await ask('pull', 'base', 'Bearer old-secret'), {allowed: false, status: 401}, 'expired');
});

test('a file that changed counts at once, a broken one leaves the old rules in force and is reported once', async t => {
	const events: SealEvent[] = [];
	const {dir, ask} = await setUp(t, {onEvent: event => events.push(event)});
	t.like(await ask('ping', undefined, alice), {allowed: true});
	writeFileSync(join(dir, 'htpasswd'), 'alice:{SHA}broken');
	await sleep(1100);
	t.like(await ask('ping', undefined, alice), {allowed: true});
	await sleep(1100);
	t.like(await ask('ping', undefined, alice), {allowed: true});
	t.deepEqual(
		events.map(event => (event.type === 'warning' ? [event.code, event.message] : event.type)),
		[
			[
				'RegistryAccessFile',
				`Line 1 of ${join(dir, 'htpasswd')} has a SHA-1 hash for "alice"; what was read before stays in force`,
			],
		],
	);
	writeFileSync(join(dir, 'new'), htpasswdLine('bob', 'builder'));
	renameSync(join(dir, 'new'), join(dir, 'htpasswd'));
	await sleep(1100);
	t.like(await ask('ping', undefined, alice), {allowed: false, status: 401});
	t.like(await ask('ping', undefined, basic('bob', 'builder')), {allowed: true});
});

test('with anonymous pulls everybody reads, and writers are sent to our token server', async t => {
	const {access, ask, token} = await setUp(t, {anonymousPull: true});
	const challenge = `Bearer realm="${origin}/token",service="sealimage"`;
	const pullChallenge = `${challenge},scope="repository:shop/web:pull"`;
	t.like(await ask('pull', 'shop/web'), {status: 401, challenge: pullChallenge}, 'a token is for everybody');
	t.like(
		await ask('pull', 'shop/web', basic('', '')),
		{status: 401, challenge: pullChallenge},
		'empty credentials are none',
	);
	const unaddressed = await access.check({actions: ['pull'], repository: 'shop/web', authorization: undefined});
	t.deepEqual(unaddressed, {allowed: true}, 'nobody can be sent to a server without an address');
	t.like(await ask('ping'), {status: 401, challenge});
	t.like(await ask('push', 'shop/web'), {status: 401, challenge: `${challenge},scope="repository:shop/web:push"`});

	const nobody = await token('repository:shop/web:pull,push');
	t.like(await ask('ping', undefined, nobody), {allowed: true});
	t.like(await ask('pull', 'shop/web', nobody), {allowed: true, user: undefined});
	t.like(await ask('push', 'shop/web', nobody), {status: 401});

	const ci = await token('repository:shop/web:pull,push repository:base:pull,push', basic('ci', 'ci-secret'));
	t.like(await ask('push', 'shop/web', ci), {allowed: true, user: 'ci'});
	t.like(await ask('pull', 'base', ci), {allowed: true, user: 'ci'});
	t.like(await ask('push', 'base', ci), {status: 403}, 'no token will ever do');
	t.like(await ask('push', 'shop/api', ci), {
		status: 401,
		challenge: `${challenge},scope="repository:shop/api:push",error="insufficient_scope"`,
	});
	t.like(await ask('pull', 'shop/web', `${ci}x`), {
		status: 401,
		challenge: `${challenge},scope="repository:shop/web:pull",error="invalid_token"`,
	});
});

test('the token server takes a form with a password, refuses wrong ones, and gives tokens that run out', async t => {
	let nowMs = Date.parse('2026-01-01T00:00:00Z');
	const {access, ask} = await setUp(t, {anonymousPull: true, now: () => nowMs});
	const form = (fields: Record<string, string>) =>
		access.tokens?.issue({method: 'POST', authorization: undefined, parameters: new URLSearchParams(fields)});
	const scope = 'repository:shop/web:push';
	const given = await form({grant_type: 'password', username: 'alice', password: 'wonder', scope});
	t.like(given, {status: 200, user: 'alice'});
	const {
		token,
		expires_in: seconds,
		issued_at: at,
	} = (given?.body ?? {}) as {token: string; expires_in: number; issued_at: string};
	t.is(seconds, 300);
	t.is(at, '2026-01-01T00:00:00.000Z');
	t.like(await ask('push', 'shop/web', `Bearer ${token}`), {allowed: true});
	nowMs += 361_000;
	t.like(await ask('push', 'shop/web', `Bearer ${token}`), {allowed: false, status: 401});
	t.like(await form({grant_type: 'password', username: 'alice', password: 'x'}), {status: 401});
	t.like(await form({grant_type: 'refresh_token', refresh_token: 'x'}), {status: 400});
	t.like(await access.tokens?.issue({method: 'GET', authorization: 'Bearer x', parameters: new URLSearchParams()}), {
		status: 401,
	});
});

test('a token of our server ends with the password that it was made for', async t => {
	const {dir, ask, token} = await setUp(t, {anonymousPull: true});
	const header = await token('repository:shop/web:push', alice);
	t.like(await ask('push', 'shop/web', header), {allowed: true});
	writeFileSync(join(dir, 'htpasswd'), htpasswdLine('alice', 'changed'));
	await sleep(1100);
	t.like(await ask('push', 'shop/web', header), {allowed: false, status: 401});
});

test('anonymous pulls without any logins need no challenge', async t => {
	const access = await openAccess({anonymousPull: true});
	t.deepEqual(await access.check({actions: ['ping'], authorization: undefined}), {allowed: true});
	t.deepEqual(await access.check({actions: ['push'], repository: 'x', authorization: undefined}), {
		allowed: false,
		status: 403,
		user: undefined,
		message: 'Without credentials nobody may push x',
	});
});

test('tokens of an outside issuer open what their access claim names', async t => {
	const dir = tempDir(t);
	const {publicKey, privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
	const keyFile = join(dir, 'key.pem');
	writeFileSync(keyFile, publicKey.export({type: 'spki', format: 'pem'}));
	const issuer = {issuer: 'auth.example', service: 'registry', realm: 'https://auth.example/token', keyFile};
	const access = await openAccess({issuer});
	const header = (name: string, actions: string[], aud = 'registry'): string => {
		const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
		const text = `${part({alg: 'ES256', typ: 'JWT'})}.${part({iss: 'auth.example', sub: 'eve', aud, exp: Date.now() / 1000 + 60, access: [{type: 'repository', name, actions}]})}`;
		return `Bearer ${text}.${sign('sha256', Buffer.from(text), {key: privateKey, dsaEncoding: 'ieee-p1363'}).toString('base64url')}`;
	};
	const ask = (action: Action, repository: string, authorization?: string): Promise<AccessAnswer> =>
		access.check({actions: [action], repository, authorization, origin});
	const challenge = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:shop/web:push"';
	t.like(await ask('push', 'shop/web'), {status: 401, challenge});
	t.deepEqual(await ask('push', 'shop/web', header('shop/web', ['pull', 'push'])), {allowed: true, user: 'eve'});
	t.deepEqual(await ask('delete', 'shop/web', header('shop/web', ['*'])), {allowed: true, user: 'eve'});
	t.like(await ask('push', 'shop/web', header('shop/web', ['pull'])), {
		status: 401,
		challenge: `${challenge},error="insufficient_scope"`,
	});
	t.like(await ask('push', 'shop/web', header('shop/*', ['push'])), {status: 401}, 'a name is no pattern');
	t.like(await ask('push', 'shop/web', header('shop/web', ['push'], 'elsewhere')), {status: 401});
});

test('files that cannot be used are refused when the server starts', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'users');
	await t.throwsAsync(openAccess({htpasswd: path}), {code: 'ERR_IO'});
	writeFileSync(path, 'alice:secret');
	await t.throwsAsync(openAccess({htpasswd: path}), {code: 'ERR_ACCESS_FILE'});
});
