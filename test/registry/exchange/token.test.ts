import test, {type ExecutionContext} from 'ava';
import {createHttp} from '../../../lib/registry/exchange/http.js';
import {parseScopes} from '../../../lib/registry/exchange/scope.js';
import {checkConfidential, fetchToken} from '../../../lib/registry/exchange/token.js';
import {type Endpoint, homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';
import type {Credentials} from '../../../lib/registry/login/credentials.js';
import {sendError, startRegistry, type TestRegistry} from '../../helpers/registry.js';

async function ask(
	t: ExecutionContext,
	registry: TestRegistry,
	credentials?: Credentials,
	endpoint: Endpoint = {...homeEndpoint(registry.host, 'a'), origin: `http://${registry.host}`},
	realm = `http://${registry.host}/token?x=1`,
): Promise<string> {
	const http = createHttp();
	t.teardown(() => http.close());
	const challenge = {scheme: 'bearer', parameters: {realm, service: 's'}};
	const connection = async (): Promise<object> => ({});
	const scopes = parseScopes('repository:a:pull repository:b:pull');
	return (await fetchToken(http, {endpoint, challenge, scopes, credentials, connection})).text;
}

test('an identity token goes by POST, and by GET as a password where the server knows no other way', async t => {
	for (const status of [404, 405]) {
		const registry = await startRegistry(t);
		const logins: (string | undefined)[] = [];
		registry.intercept = (request, response) => {
			logins.push(request.headers.authorization);
			if (request.method === 'POST') return sendError(response, status, 'UNSUPPORTED', 'no');
			response.end('{"token": "t"}');
			return true;
		};
		const named: Credentials = {kind: 'identity-token', token: 'id', username: 'ann'};
		t.is(await ask(t, registry, named), 't');
		t.is(await ask(t, registry, {kind: 'identity-token', token: 'id'}), 't');
		const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
		t.deepEqual(logins, [undefined, basic('ann:id'), undefined, basic('<token>:id')]);
		t.is(
			registry.requests[1],
			'GET /token?x=1&service=s&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull&account=ann',
		);
	}
});

test('a token server that refuses says whose credentials, and what it said', async t => {
	const registry = await startRegistry(t);
	for (const status of [400, 401, 403]) {
		registry.intercept = (_, response) => sendError(response, status, 'UNAUTHORIZED', 'incorrect username');
		const error = await t.throwsAsync(
			ask(t, registry, {kind: 'password', username: 'ann', password: 'secret', origin: '--creds'}),
			{
				code: 'ERR_REGISTRY_UNAUTHORIZED',
				message: `${registry.host} refuses the password of ann from --creds: incorrect username`,
			},
		);
		t.false(JSON.stringify(error).includes('secret'));
	}
});

test('credentials go over https, to this machine, and to hosts that were declared insecure; nowhere else', t => {
	const endpoint = homeEndpoint('registry.example.com', 'a');
	t.notThrows(() => checkConfidential('https://auth.example.com', endpoint));
	t.notThrows(() => checkConfidential('http://127.0.0.1:5000', endpoint));
	t.notThrows(() => checkConfidential('http://auth.example.com', {...endpoint, insecure: true}));
	t.throws(() => checkConfidential('http://auth.example.com', endpoint), {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		message: 'registry.example.com wants credentials over a connection that is not secure',
	});
	const here = homeEndpoint('localhost:5000', 'a');
	t.throws(() => checkConfidential('http://auth.example.com', here), {code: 'ERR_REGISTRY_UNAUTHORIZED'});
});

test('a registry on the internet may not send us to a token server in here, or without TLS', async t => {
	const registry = await startRegistry(t);
	const outside = homeEndpoint('registry.example.com', 'a');
	for (const [realm, message] of [
		[`http://${registry.host}/token`, /is inside of a private network/],
		['https://10.0.0.1/token', /is inside of a private network/],
		['https://[fd00::1]/token', /is inside of a private network/],
		['http://auth.example.com/token', /is not secure/],
	] as const)
		await t.throwsAsync(ask(t, registry, undefined, outside, realm), {code: 'ERR_REGISTRY_RESPONSE', message});
	t.deepEqual(registry.requests, []);
});
