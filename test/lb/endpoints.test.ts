import {Agent} from 'node:https';
import test from 'ava';
import {type ApiAccess, watchEndpoints} from '../../lib/lb/endpoints.js';
import type {Member} from '../../lib/lb/spec.js';
import {serveTls, tlsFixture} from '../helpers/tls-server.js';

const access = (endpoint: string): ApiAccess => ({
	server: `https://${endpoint}`,
	agent: new Agent({ca: tlsFixture('ca.crt')}),
	token: 'secret',
});

function event(type: string, ...addresses: readonly string[]): string {
	const ports = [
		{name: 'other', port: 1},
		{name: 'https', port: 6443},
	];
	return `${JSON.stringify({type, object: {subsets: [{addresses: addresses.map(ip => ({ip})), ports}]}})}\n`;
}

test('members are told at the start and at each change', async t => {
	const asked: string[] = [];
	const endpoint = await serveTls(t, 'server.crt', (request, response) => {
		asked.push(`${request.headers.authorization} ${request.url}`);
		response.write(event('ADDED', '10.0.0.1', 'fd00::1'));
		response.write(event('MODIFIED'));
		response.write(event('DELETED', '10.0.0.9'));
		const last = event('MODIFIED', '10.0.0.2', 'nonsense');
		// Events come as bytes, not as lines.
		response.write(last.slice(0, 10));
		setTimeout(() => response.end(last.slice(10)), 20);
	});
	const seen: (readonly Member[])[] = [];
	await watchEndpoints(access(endpoint), members => seen.push(members), {});
	t.deepEqual(seen, [
		[
			{address: '10.0.0.1', port: 6443},
			{address: 'fd00::1', port: 6443},
		],
		[{address: '10.0.0.2', port: 6443}],
	]);
	t.regex(
		asked[0] ?? '',
		/^Bearer secret \/api\/v1\/namespaces\/default\/endpoints\?fieldSelector=metadata\.name%3Dkubernetes&watch=true/,
	);
});

const refused = test.macro<[string, number, string, RegExp]>({
	async exec(t, _, status, body, message) {
		const endpoint = await serveTls(t, 'server.crt', (_request, response) => response.writeHead(status).end(body));
		await t.throwsAsync(
			watchEndpoints(access(endpoint), () => undefined, {}),
			{code: 'ERR_LB_ENDPOINTS', message},
		);
	},
	title: (_, what) => `an API server that ${what} is told`,
});
test(refused, 'refuses', 403, '', /HTTP 403$/);
test(refused, 'speaks no JSON', 200, 'hello\n', /a line is no JSON$/);
test(refused, 'ends the watch with an error', 200, '{"type": "ERROR"}\n', /the watch ends with an error$/);
test(refused, 'sends a line without end', 200, 'x'.repeat(2 << 20), /a line is too long$/);

test('an abort ends a watch that is silent', async t => {
	const endpoint = await serveTls(t, 'server.crt', (_, response) => response.write(event('ADDED', '10.0.0.1')));
	const end = new AbortController();
	await t.throwsAsync(watchEndpoints(access(endpoint), () => end.abort(), {signal: end.signal}));
});
