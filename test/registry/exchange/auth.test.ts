import type {IncomingMessage} from 'node:http';
import test from 'ava';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import type {Credentials} from '../../../lib/registry/login/credentials.js';
import {startRegistry, type TestRegistry} from '../../helpers/registry.js';

const quick = {retry: {attempts: 2, firstDelayMs: 1}};
const user: Credentials = {kind: 'password', username: 'u', password: 'p:w'};
const basic = `Basic ${Buffer.from('u:p:w').toString('base64')}`;

async function textOfBody(request: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of request) text += String(chunk);
	return text;
}

/** Wants a token, which `/token` gives to everybody; `valid` are the tokens it accepts. */
function wantTokens(
	registry: TestRegistry,
	valid: Set<string>,
	answer: () => object,
): {asked: string[]; bodies: string[]} {
	const asked: string[] = [];
	const bodies: string[] = [];
	registry.intercept = (request, response) => {
		if (request.url?.startsWith('/token') === true) {
			asked.push(`${request.url} ${request.headers.authorization ?? '-'}`);
			void textOfBody(request).then(body => {
				bodies.push(body);
				response.end(JSON.stringify(answer()));
			});
			return true;
		}
		if (valid.has(request.headers.authorization ?? '')) return false;
		const realm = `http://${registry.host}/token`;
		response
			.writeHead(401, {'www-authenticate': `Bearer realm="${realm}",service="svc",scope="repository:a:pull"`})
			.end();
		return true;
	};
	return {asked, bodies};
}

test('sends a password only after it was asked for', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	registry.intercept = (request, response) => {
		if (request.headers.authorization === basic) return false;
		response.writeHead(401, {'www-authenticate': 'Basic realm="r"'}).end();
		return true;
	};
	const source = openRegistry({...quick, credentials: () => user});
	await source.resolve(`${registry.host}/a:1`);
	await source.resolve(`${registry.host}/a:1`);
	t.deepEqual(registry.authorizations, [undefined, basic, basic]);
	await source.close();
});

test('says that credentials are wanted, or wrong', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (_, response) => Boolean(response.writeHead(401, {'www-authenticate': 'Basic realm="r"'}).end());
	const anonymous = openRegistry(quick);
	const known = openRegistry({...quick, credentials: () => user});
	const wanted = (await t.throwsAsync(anonymous.resolve(`${registry.host}/a:1`))) as RegistryError;
	t.is(wanted.code, 'ERR_REGISTRY_UNAUTHORIZED');
	t.is(wanted.message, `${registry.host} wants credentials`);
	await t.throwsAsync(known.resolve(`${registry.host}/a:1`), {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		message: `${registry.host} refuses the password of u`,
	});
	await Promise.all([anonymous.close(), known.close()]);
});

test('gets an anonymous token once for many requests at the same time', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const {asked} = wantTokens(registry, new Set(['Bearer t1']), () => ({token: 't1', expires_in: 300}));
	const source = openRegistry(quick);
	await Promise.all(Array.from({length: 8}, () => source.resolve(`${registry.host}/a:1`)));
	t.deepEqual(asked, ['/token?service=svc&scope=repository%3Aa%3Apull -']);
	await source.close();
});

test('shows the password to the token server and never to the registry', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const {asked} = wantTokens(registry, new Set(['Bearer t1']), () => ({access_token: 't1'}));
	const source = openRegistry({...quick, credentials: () => user});
	await source.resolve(`${registry.host}/a:1`);
	t.deepEqual(asked, [`/token?service=svc&scope=repository%3Aa%3Apull&account=u ${basic}`]);
	t.deepEqual(registry.authorizations, [undefined, 'Bearer t1']);
	await source.close();
});

test('gets a new token when the old one is refused', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const valid = new Set(['Bearer t1']);
	let count = 0;
	wantTokens(registry, valid, () => ({token: `t${++count}`}));
	const source = openRegistry(quick);
	await source.resolve(`${registry.host}/a:1`);
	valid.clear();
	valid.add('Bearer t2');
	await source.resolve(`${registry.host}/a:1`);
	t.is(count, 2);
	valid.clear();
	await t.throwsAsync(source.resolve(`${registry.host}/a:1`), {code: 'ERR_REGISTRY_UNAUTHORIZED'});
	await source.close();
});

test('exchanges an identity token by POST', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const {bodies} = wantTokens(registry, new Set(['Bearer t1']), () => ({access_token: 't1'}));
	const source = openRegistry({...quick, credentials: () => ({kind: 'identity-token', token: 'id/1'})});
	await source.resolve(`${registry.host}/a:1`);
	t.deepEqual(Object.fromEntries(new URLSearchParams(bodies[0])), {
		grant_type: 'refresh_token',
		service: 'svc',
		client_id: 'sealimage',
		scope: 'repository:a:pull',
		refresh_token: 'id/1',
	});
	await source.close();
});

test('sends a registry token as it is', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const {asked} = wantTokens(registry, new Set(['Bearer given']), () => ({}));
	const source = openRegistry({...quick, credentials: () => ({kind: 'registry-token', token: 'given'})});
	await source.resolve(`${registry.host}/a:1`);
	t.deepEqual(asked, []);
	await source.close();
});

const refusesRealm = test.macro({
	async exec(t, realm: string, message: RegExp) {
		const registry = await startRegistry(t);
		registry.intercept = (_, response) =>
			Boolean(response.writeHead(401, {'www-authenticate': `Bearer realm="${realm}"`}).end());
		const source = openRegistry({...quick, credentials: () => user});
		await t.throwsAsync(source.resolve(`${registry.host}/a:1`), {code: 'ERR_REGISTRY_RESPONSE', message});
		await source.close();
	},
	title: (_, realm) => `refuses the token server ${JSON.stringify(realm)}`,
});

test(refusesRealm, '', /is no URL/);
test(refusesRealm, 'not a url', /is no URL/);
test(refusesRealm, 'file:///etc/passwd', /is no web address/);
test(refusesRealm, 'https://user:secret@auth.example.com/token', /has credentials of its own/);

test('refuses tokens that are none', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	for (const answer of [{}, {token: ''}, {token: 'a\nb'}, {token: 7}]) {
		wantTokens(registry, new Set(), () => answer);
		const source = openRegistry(quick);
		await t.throwsAsync(source.resolve(`${registry.host}/a:1`), {
			code: 'ERR_REGISTRY_RESPONSE',
			message: /gave no token/,
		});
		await source.close();
	}
});
