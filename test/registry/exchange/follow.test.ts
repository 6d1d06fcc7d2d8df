import type {IncomingMessage} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {checkTarget} from '../../../lib/registry/exchange/follow.js';
import {createTransport, type Transport, type TransportOptions} from '../../../lib/registry/exchange/transport.js';
import {homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';
import {textOf} from '../../helpers/images.js';
import {startRegistry, type TestRegistry} from '../../helpers/registry.js';

const ann = () => ({kind: 'password', username: 'ann', password: 'p'}) as const;
const basic = `Basic ${Buffer.from('ann:p').toString('base64')}`;

function open(t: ExecutionContext, options: TransportOptions = {}): Transport {
	const transport = createTransport({credentials: ann, ...options});
	t.teardown(() => transport.close());
	return transport;
}

interface Seen {
	readonly method: string | undefined;
	readonly authorization: string | undefined;
	readonly body: string;
}

/** Answers every request with `respond`, once its body is read. */
function record(
	registry: TestRegistry,
	respond: (request: IncomingMessage) => [number, Record<string, string>?],
): Seen[] {
	const seen: Seen[] = [];
	registry.intercept = (request, response) => {
		let body = '';
		request.on('data', chunk => {
			body += String(chunk);
		});
		request.on('end', () => {
			seen.push({method: request.method, authorization: request.headers.authorization, body});
			const [status, headers] = respond(request);
			response.writeHead(status, headers).end();
		});
		return true;
	};
	return seen;
}

const challenge = {'www-authenticate': 'Basic realm="r"'};
const requestTo = ({host}: TestRegistry, method: 'GET' | 'PUT' | 'POST' = 'PUT') =>
	({host, repository: 'a', method, path: '/v2/a/blobs/uploads/1'}) as const;

test('a write follows 307 and 308 with its method, its body asked for again, and no credentials', async t => {
	for (const status of [307, 308]) {
		const [registry, storage] = [await startRegistry(t), await startRegistry(t)];
		const home = record(registry, ({headers}) =>
			headers.authorization === undefined
				? [401, challenge]
				: [status, {location: `http://${storage.host}/put?signature=x`}],
		);
		const away = record(storage, () => [201]);
		let bodies = 0;
		const body = async function* (): AsyncGenerator<Uint8Array> {
			bodies++;
			yield Buffer.from('content');
		};
		const response = await open(t).send({...requestTo(registry), body}, {});
		await response.discard();
		t.is(response.status, 201);
		t.is(response.url, `http://${storage.host}/put?signature=x`);
		t.is(bodies, 3);
		t.deepEqual(
			[...home, ...away].map(({method, authorization, body: got}) => [method, authorization, got]),
			[
				['PUT', undefined, 'content'],
				['PUT', basic, 'content'],
				['PUT', undefined, 'content'],
			],
		);
	}
});

test('a write does not become a read', async t => {
	for (const status of [301, 302, 303]) {
		const [registry, storage] = [await startRegistry(t), await startRegistry(t)];
		record(registry, () => [status, {location: `http://${storage.host}/`}]);
		await t.throwsAsync(open(t).send({...requestTo(registry), body: () => 'x'}, {}), {
			code: 'ERR_REGISTRY_RESPONSE',
			message: /redirects a write in a way that would make it a read/,
		});
		t.deepEqual(storage.requests, []);
	}
});

test('a 401 of another host neither gets the password nor loops', async t => {
	const [registry, storage] = [await startRegistry(t), await startRegistry(t)];
	record(registry, ({headers}) =>
		headers.authorization === undefined ? [401, challenge] : [307, {location: `http://${storage.host}/x`}],
	);
	const away = record(storage, () => [401, {'www-authenticate': `Bearer realm="http://${storage.host}/token"`}]);
	await t.throwsAsync(open(t).send(requestTo(registry, 'GET'), {}), {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		message: `${storage.host} refuses the address that ${registry.host} gave, with status 401`,
	});
	t.deepEqual(
		away.map(one => one.authorization),
		[undefined],
	);
});

test('who was sent away gets no credentials on the way back either', async t => {
	const [registry, storage] = [await startRegistry(t), await startRegistry(t)];
	const home = record(registry, ({headers, url}) => {
		if (url === '/v2/back') return [200];
		return headers.authorization === undefined ? [401, challenge] : [307, {location: `http://${storage.host}/x`}];
	});
	record(storage, () => [307, {location: `http://${registry.host}/v2/back`}]);
	const response = await open(t).send(requestTo(registry, 'GET'), {});
	await response.discard();
	t.is(home.at(-1)?.authorization, undefined);
});

test('a redirect within the registry keeps the credentials, and may be challenged', async t => {
	const registry = await startRegistry(t);
	const home = record(registry, ({headers, url}) => {
		if (url !== '/v2/other') return [307, {location: '/v2/other'}];
		return headers.authorization === undefined ? [401, challenge] : [200];
	});
	const response = await open(t).send(requestTo(registry, 'GET'), {});
	await response.discard();
	t.is(response.status, 200);
	t.is(home.at(-1)?.authorization, basic);
});

test('a Location on another host gets no credentials', async t => {
	const [registry, storage] = [await startRegistry(t), await startRegistry(t)];
	record(registry, () => [401, challenge]);
	const away = record(storage, () => [201]);
	const transport = open(t);
	await t.throwsAsync(transport.send(requestTo(registry), {}));
	const path = `http://${storage.host}/upload/1`;
	const response = await transport.send({...requestTo(registry), path, body: () => 'x'}, {});
	await response.discard();
	t.deepEqual(away, [{method: 'PUT', authorization: undefined, body: 'x'}]);
});

/** No test can be a registry on the internet: the rule itself is asked. */
const outside = test.macro({
	exec(t, location: string, method: 'GET' | 'PUT', message: RegExp | undefined) {
		const endpoint = homeEndpoint('registry.example.com', 'a');
		const check = (): void => checkTarget(endpoint, method, location, 'https://registry.example.com/v2/', 307);
		if (message === undefined) t.notThrows(check);
		else t.throws(check, {code: 'ERR_REGISTRY_RESPONSE', message});
	},
	title: (_, location, method, message) =>
		`${method} of a registry on the internet ${message === undefined ? 'follows' : 'does not follow'} to ${location}`,
});

test(outside, 'https://storage.example.com/x', 'GET', undefined);
test(outside, 'https://10.0.0.1/x', 'GET', undefined);
test(outside, 'https://10.0.0.1/x', 'PUT', /an address inside of a private network/);
test(outside, 'https://127.0.0.1/x', 'GET', /this machine/);
test(outside, 'https://localhost:8080/x', 'GET', /this machine/);
test(outside, 'https://169.254.169.254/latest', 'GET', /this machine/);
test(outside, 'http://storage.example.com/x', 'GET', /a connection that is not secure/);
test(outside, 'ftp://storage.example.com/x', 'GET', /redirects to ftp:/);
test(outside, 'https://u:p@storage.example.com/x', 'GET', /an address with credentials in it/);

test('a body that fails to come is the failure', async t => {
	const registry = await startRegistry(t);
	record(registry, () => [201]);
	const reason = new Error('the disk is gone');
	const body = (): never => {
		throw reason;
	};
	t.is(await t.throwsAsync(open(t).send({...requestTo(registry), body}, {})), reason);
	t.is(await textOf((await open(t).send({...requestTo(registry), body: () => 'x'}, {})).body), '');
});
