import {createServer} from 'node:http';
import test from 'ava';
import {homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';
import {openExchange as open, ping} from '../../helpers/exchange.js';
import {textOf} from '../../helpers/images.js';
import {startProxy} from '../../helpers/proxy.js';
import {listen} from '../../helpers/registry.js';
import {serveTls, tlsFixture} from '../../helpers/tls-server.js';

const ca = tlsFixture('ca.crt');

test('https goes through a tunnel that the proxy opens, with TLS to the registry itself', async t => {
	const registry = await serveTls(t, 'wrong-name.crt', (request, response) =>
		response.end(`${request.headers.host} ${request.headers['proxy-authorization']}`),
	);
	const proxy = await startProxy(t, registry, 'me:50%');
	const transport = open(t, {ca, proxy: {https: `http://me:50%@${proxy.host}`}});
	const response = await transport.send(ping('registry.example.com'), {});
	t.is(await textOf(response.body), 'registry.example.com undefined');
	t.deepEqual(proxy.requests, ['CONNECT registry.example.com:443']);
	t.deepEqual(proxy.logins, [`Basic ${Buffer.from('me:50%').toString('base64')}`]);
});

test('a certificate is checked through a proxy too', async t => {
	const registry = await serveTls(t, 'wrong-name.crt', (_, response) => response.end());
	const proxy = await startProxy(t, registry);
	const settings = {https: `http://${proxy.host}`};
	await t.throwsAsync(open(t, {ca, proxy: settings}).send(ping('other.example.com'), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: /is for other names: registry\.example\.com/,
	});
	await t.throwsAsync(open(t, {proxy: settings}).send(ping('registry.example.com'), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: /is signed by an authority that is not trusted here/,
	});
});

test('plain http is forwarded, not tunnelled', async t => {
	const registry = await listen(
		t,
		createServer((request, response) => response.end(`${request.headers.host} ${request.url}`)),
	);
	const proxy = await startProxy(t, registry);
	const hosts = async (host: string, repository: string) => [
		{...homeEndpoint(host, repository), origin: 'http://registry.example.com'},
	];
	const transport = open(t, {hosts, proxy: {http: proxy.host}});
	t.is(await textOf((await transport.send(ping('x.io'), {})).body), 'registry.example.com /v2/');
	t.deepEqual(proxy.requests, ['GET http://registry.example.com/v2/']);
});

test('a proxy that wants a login says so, in a tunnel and without', async t => {
	const registry = await serveTls(t, 'wrong-name.crt', (_, response) => response.end());
	const proxy = await startProxy(t, registry, 'me:secret');
	const settings = {https: `http://me:wrong@${proxy.host}`, http: `http://me:wrong@${proxy.host}`};
	const plain = async (host: string, repository: string) => [
		{...homeEndpoint(host, repository), origin: 'http://registry.example.com'},
	];
	for (const hosts of [undefined, plain]) {
		const error = await t.throwsAsync(open(t, {ca, hosts, proxy: settings}).send(ping('registry.example.com'), {}), {
			code: 'ERR_REGISTRY_UNREACHABLE',
			message: /the proxy wants a login/,
		});
		t.false(JSON.stringify(error).includes('wrong'));
	}
});

test('loopback and what is excepted go without the proxy', async t => {
	const registry = await listen(
		t,
		createServer((_, response) => response.end('direct')),
	);
	const proxy = await startProxy(t, registry);
	const transport = open(t, {proxy: {http: proxy.host, https: proxy.host}});
	t.is(await textOf((await transport.send(ping(registry), {})).body), 'direct');
	t.deepEqual(proxy.requests, []);
});
