import test, {type ExecutionContext} from 'ava';
import {type Authorizer, createAuthorizer} from '../../../lib/registry/exchange/auth.js';
import {parseChallenges} from '../../../lib/registry/exchange/challenge.js';
import {createHttp} from '../../../lib/registry/exchange/http.js';
import {parseScopes} from '../../../lib/registry/exchange/scope.js';
import {type Endpoint, homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';
import type {CredentialSource} from '../../../lib/registry/login/credentials.js';
import {startRegistry} from '../../helpers/registry.js';

interface TokenServer {
	readonly authorizer: Authorizer;
	readonly endpoint: Endpoint;
	/** The scopes of each token that was asked for. */
	readonly asked: string[];
	/** Milliseconds; forwards only. */
	nowMs: number;
	/** Seconds. */
	lifeSeconds: number | undefined;
	/** The answer to a challenge with this scope, as the transport gives it. */
	answer(scope: string, refused?: string, challengeScope?: string): Promise<string>;
	prepare(scope: string): Promise<string | undefined>;
}

/** A token server whose tokens are called t1, t2 and so on. */
async function tokenServer(t: ExecutionContext, credentials: CredentialSource = () => undefined): Promise<TokenServer> {
	const registry = await startRegistry(t);
	const asked: string[] = [];
	registry.intercept = (request, response) => {
		const url = new URL(request.url ?? '', 'http://x');
		asked.push(url.searchParams.getAll('scope').join(' '));
		response.end(JSON.stringify({token: `t${asked.length}`, expires_in: server.lifeSeconds}));
		return true;
	};
	const http = createHttp();
	t.teardown(() => http.close());
	const endpoint = {...homeEndpoint(registry.host, 'a'), origin: `http://${registry.host}`};
	const server: TokenServer = {
		authorizer: createAuthorizer(http, {credentials, connection: async () => ({}), now: () => server.nowMs}),
		endpoint,
		asked,
		nowMs: 0,
		lifeSeconds: 300,
		answer: async (scope, refused, challengeScope) => {
			const extra = challengeScope === undefined ? '' : `,scope="${challengeScope}",error="insufficient_scope"`;
			const challenges = parseChallenges(`Bearer realm="http://${registry.host}/token",service="s"${extra}`);
			const request = {endpoint, scopes: parseScopes(scope), challenges, refused, method: 'GET', url: ''};
			return await server.authorizer.answer(request);
		},
		prepare: async scope => await server.authorizer.prepare({endpoint, scopes: parseScopes(scope)}),
	};
	return server;
}

test('nothing is sent to a registry that never asked', async t => {
	const server = await tokenServer(t);
	t.is(await server.prepare('repository:a:pull'), undefined);
	t.deepEqual(server.asked, []);
});

test('a token that covers more is used for less; more is asked for together with what was granted before', async t => {
	const server = await tokenServer(t);
	t.is(await server.answer('repository:a:pull'), 'Bearer t1');
	t.is(await server.prepare('repository:a:pull'), 'Bearer t1');
	t.is(await server.prepare('repository:a:push'), 'Bearer t2');
	t.is(await server.prepare('repository:a:pull'), 'Bearer t2');
	t.is(await server.prepare('repository:a:pull,push repository:b:pull'), 'Bearer t3');
	t.is(await server.prepare('repository:b:pull'), 'Bearer t3');
	t.is(await server.prepare('repository:c:pull'), 'Bearer t4');
	t.deepEqual(server.asked, [
		'repository:a:pull',
		'repository:a:push,pull',
		'repository:a:pull,push repository:b:pull',
		'repository:c:pull',
	]);
});

test('insufficient_scope: a new token for what the registry names, and what the request needs', async t => {
	const server = await tokenServer(t);
	const first = await server.answer('repository:a:pull');
	t.is(await server.answer('repository:a:pull', first, 'repository:a:pull,push repository:base:pull'), 'Bearer t2');
	t.is(server.asked[1], 'repository:a:pull,push repository:base:pull');
	t.is(await server.prepare('repository:base:pull'), 'Bearer t2');
});

test('a token is renewed before it runs out, by our clock alone', async t => {
	const server = await tokenServer(t);
	t.is(await server.answer('repository:a:push'), 'Bearer t1');
	server.nowMs = 289_000;
	t.is(await server.prepare('repository:a:push'), 'Bearer t1');
	server.nowMs = 291_000;
	t.is(await server.prepare('repository:a:push'), 'Bearer t2');
	t.is(await server.prepare('repository:a:push'), 'Bearer t2');
	t.is(server.asked.length, 2);
});

test('a token lives a minute at least, whatever its server says', async t => {
	for (const lifeSeconds of [undefined, 0, 5, -1, Number.NaN]) {
		const server = await tokenServer(t);
		server.lifeSeconds = lifeSeconds;
		await server.answer('repository:a:pull');
		server.nowMs = 49_000;
		t.is(await server.prepare('repository:a:pull'), 'Bearer t1');
		server.nowMs = 51_000;
		t.is(await server.prepare('repository:a:pull'), 'Bearer t2');
	}
});

test('a token that is refused before its time is asked for anew, once for all who wait', async t => {
	const server = await tokenServer(t);
	const first = await server.answer('repository:a:push');
	const again = await Promise.all(Array.from({length: 10}, () => server.answer('repository:a:push', first)));
	t.deepEqual([...new Set(again)], ['Bearer t2']);
	t.is(await server.answer('repository:a:push', first), 'Bearer t2');
	t.is(server.asked.length, 2);
});

test('an abort of one who waits for a token is not that of the others', async t => {
	const server = await tokenServer(t);
	const controller = new AbortController();
	const reason = new Error('enough');
	const challenges = parseChallenges(`Bearer realm="${server.endpoint.origin}/token"`);
	const request = {
		endpoint: server.endpoint,
		scopes: parseScopes('repository:a:pull'),
		challenges,
		refused: undefined,
		method: 'GET',
		url: '',
	};
	const [one, other] = [
		server.authorizer.answer(request, {signal: controller.signal}),
		server.authorizer.answer(request),
	];
	controller.abort(reason);
	t.is(await t.throwsAsync(one), reason);
	t.is(await other, 'Bearer t1');
});

test('bearer comes before basic when both are offered, in one header or in several', async t => {
	const server = await tokenServer(t, () => ({kind: 'password', username: 'u', password: 'p'}));
	const header = `Basic realm="r", Bearer realm="${server.endpoint.origin}/token"`;
	const request = {
		endpoint: server.endpoint,
		scopes: parseScopes('repository:a:pull'),
		challenges: parseChallenges(header),
		refused: undefined,
		method: 'GET',
		url: '',
	};
	t.is(await server.authorizer.answer(request), 'Bearer t1');
	const basicOnly = {...request, challenges: parseChallenges('Negotiate, Basic realm="r"')};
	const other = {...basicOnly, endpoint: {...server.endpoint, host: 'other'}};
	t.is(await server.authorizer.answer(other), `Basic ${Buffer.from('u:p').toString('base64')}`);
});

test('what is known of one registry is not sent to another', async t => {
	const server = await tokenServer(t);
	await server.answer('repository:a:pull');
	const other = {...server.endpoint, host: 'other.io', origin: 'https://other.io'};
	t.is(await server.authorizer.prepare({endpoint: other, scopes: parseScopes('repository:a:pull')}), undefined);
});

test('a challenge that nothing answers is a refusal, with the credentials that were tried', async t => {
	const server = await tokenServer(t, () => ({kind: 'identity-token', token: 'secret', origin: '~/x.json'}));
	const request = {
		endpoint: server.endpoint,
		scopes: parseScopes('repository:a:pull'),
		refused: undefined,
		method: 'GET',
		url: '',
	};
	for (const header of ['Negotiate', '', 'Basic realm="r"']) {
		const error = await t.throwsAsync(server.authorizer.answer({...request, challenges: parseChallenges(header)}), {
			code: 'ERR_REGISTRY_UNAUTHORIZED',
			message: `${server.endpoint.host} refuses the identity token from ~/x.json`,
		});
		t.false(JSON.stringify(error).includes('secret'));
	}
});

test('a password that is good for two repositories stays so for both', async t => {
	const asked: string[] = [];
	const server = await tokenServer(t, (_, repository) => {
		asked.push(repository);
		return {kind: 'password', username: 'u', password: 'p'};
	});
	const at = (repository: string) => ({
		endpoint: {...server.endpoint, repository},
		scopes: parseScopes(`repository:${repository}:pull`),
	});
	const challenges = parseChallenges('Basic realm="r"');
	await server.authorizer.answer({...at('a'), challenges, refused: undefined, method: 'GET', url: ''});
	for (const repository of ['b', 'a', 'b', 'a']) t.truthy(await server.authorizer.prepare(at(repository)));
	t.deepEqual(asked, ['a', 'b']);
});
