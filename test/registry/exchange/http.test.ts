import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import test from 'ava';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import {createHttp} from '../../../lib/registry/exchange/http.js';
import {textOf} from '../../helpers/images.js';
import {listen} from '../../helpers/registry.js';

const key = readFileSync('test/fixtures/tls/self-signed.key');
const cert = readFileSync('test/fixtures/tls/self-signed.crt', 'utf8');

test('trusts the given authority, nobody else, and everybody when the host is insecure', async t => {
	const host = await listen(t, createTlsServer({key, cert}, (_, response) => response.end('hello')) as never);
	const request = {method: 'GET', url: `https://${host}/v2/`} as const;
	const strict = createHttp();
	const error = (await t.throwsAsync(strict.send(request))) as RegistryError;
	t.is(error.code, 'ERR_REGISTRY_TLS');
	t.regex(error.message, /self-signed/);
	t.false(error.temporary);
	t.is(await textOf((await strict.send({...request, tls: {insecure: true}})).body), 'hello');
	const trusting = createHttp({ca: cert});
	t.is(await textOf((await trusting.send(request)).body), 'hello');
	await Promise.all([strict.close(), trusting.close()]);
});

test('says that a server does not speak TLS', async t => {
	const host = await listen(
		t,
		createServer((_, response) => response.end()),
	);
	const http = createHttp();
	await t.throwsAsync(http.send({method: 'GET', url: `https://${host}/`, tls: {insecure: true}}), {
		code: 'ERR_REGISTRY_TLS',
		message: `${host} does not speak TLS`,
	});
	await http.close();
});

test('a connection that breaks within a body is ERR_REGISTRY_UNREACHABLE', async t => {
	const server = createServer((_, response) => {
		response.writeHead(200, {'content-length': 100});
		response.write('part', () => setTimeout(() => response.destroy(), 10));
	});
	const host = await listen(t, server);
	const http = createHttp();
	const response = await http.send({method: 'GET', url: `http://${host}/`});
	const error = (await t.throwsAsync(textOf(response.body))) as RegistryError;
	t.is(error.code, 'ERR_REGISTRY_UNREACHABLE');
	t.true(error.temporary);
	await http.close();
});
