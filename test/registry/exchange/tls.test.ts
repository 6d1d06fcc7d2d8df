import {existsSync} from 'node:fs';
import {createServer} from 'node:http';
import {join} from 'node:path';
import type {TLSSocket} from 'node:tls';
import test from 'ava';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import {homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';
import {openHosts} from '../../../lib/registry/hosts/open-hosts.js';
import {openExchange as open, ping} from '../../helpers/exchange.js';
import {textOf} from '../../helpers/images.js';
import {listen} from '../../helpers/registry.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';
import {serveTls, tlsFixture, tlsFixturePath} from '../../helpers/tls-server.js';

const ca = tlsFixture('ca.crt');

test('an authority that is not trusted: the error says which file to give, and with that file it works', async t => {
	const host = await serveTls(t, 'server.crt', (_, response) => response.end('hello'));
	const dir = tempDir(t);
	const error = (await t.throwsAsync(
		open(t, {hosts: openHosts({certsDirs: [dir]})}).send(ping(host), {}),
	)) as RegistryError;
	t.is(error.code, 'ERR_REGISTRY_TLS');
	t.is(error.message, `The certificate of ${host} is signed by an authority that is not trusted here`);
	const path = join(dir, host, 'ca.crt');
	t.is(
		error.hint,
		`Save the certificate of the authority that signed it as ${path}, or declare the registry insecure.`,
	);
	writeFiles(dir, {[`${host}/ca.crt`]: ca});
	t.true(existsSync(path));
	const response = await open(t, {hosts: openHosts({certsDirs: [dir]})}).send(ping(host), {});
	t.is(await textOf(response.body), 'hello');
});

test('a self-signed certificate is called one', async t => {
	const host = await serveTls(t, 'self-signed.crt', (_, response) => response.end(), {
		key: tlsFixture('self-signed.key'),
	});
	const hosts = openHosts({certDir: tempDir(t)});
	await t.throwsAsync(open(t, {hosts}).send(ping(host), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: `The certificate of ${host} is self-signed, and it is not trusted here`,
	});
});

test('a certificate that has expired, and one for other names, have sentences of their own', async t => {
	const expired = await serveTls(t, 'expired.crt', (_, response) => response.end());
	const wrong = await serveTls(t, 'wrong-name.crt', (_, response) => response.end());
	const transport = open(t, {ca});
	await t.throwsAsync(transport.send(ping(expired), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: `The certificate of ${expired} has expired`,
	});
	await t.throwsAsync(transport.send(ping(wrong), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: `The certificate of ${wrong} is for other names: registry.example.com, mirror.example.com`,
	});
});

test('a host that was declared insecure may have any certificate, and no other host', async t => {
	const [told, other] = [
		await serveTls(t, 'expired.crt', (_, response) => response.end('told')),
		await serveTls(t, 'expired.crt', (_, response) => response.end()),
	];
	const transport = open(t, {hosts: openHosts({insecure: [told]})});
	t.is(await textOf((await transport.send(ping(told), {})).body), 'told');
	await t.throwsAsync(transport.send(ping(other), {}), {code: 'ERR_REGISTRY_TLS'});
});

test('the authorities of the system count, where the files that there are', async t => {
	const host = await serveTls(t, 'server.crt', (_, response) => response.end('hello'));
	const caFiles = [join(tempDir(t), 'none.crt'), tlsFixturePath('ca.crt')];
	t.is(await textOf((await open(t, {caFiles}).send(ping(host), {})).body), 'hello');
	await t.throwsAsync(open(t, {caFiles: caFiles.slice(0, 1)}).send(ping(host), {}), {code: 'ERR_REGISTRY_TLS'});
});

test('a client certificate is shown to its registry, and wanted where there is none', async t => {
	const seen: string[] = [];
	const host = await serveTls(
		t,
		'server.crt',
		(request, response) => {
			seen.push((request.socket as TLSSocket).getPeerCertificate().subject.CN as string);
			response.end();
		},
		{ca, requestCert: true, rejectUnauthorized: true},
	);
	const dir = tempDir(t);
	writeFiles(dir, {[`${host}/ca.crt`]: ca});
	const error = (await t.throwsAsync(
		open(t, {hosts: openHosts({certsDirs: [dir]})}).send(ping(host), {}),
	)) as RegistryError;
	t.is(error.code, 'ERR_REGISTRY_TLS');
	t.is(error.message, `${host} wants a client certificate, or does not accept the one it got`);
	const folder = join(dir, host);
	t.is(
		error.hint,
		`Save the client certificate as ${join(folder, 'client.cert')} and its key as ${join(folder, 'client.key')}.`,
	);
	writeFiles(dir, {
		[`${host}/client.cert`]: tlsFixture('client.crt'),
		[`${host}/client.key`]: tlsFixture('server.key'),
	});
	const response = await open(t, {hosts: openHosts({certsDirs: [dir]})}).send(ping(host), {});
	await response.discard();
	t.deepEqual([...new Set(seen)], ['ann']);
});

test('where a registry sends us on, its authorities count and its client certificate is not shown', async t => {
	const seen: unknown[] = [];
	const asks = {ca, requestCert: true, rejectUnauthorized: false};
	const storage = await serveTls(
		t,
		'server.crt',
		(request, response) => {
			seen.push(Object.keys((request.socket as TLSSocket).getPeerCertificate() ?? {}).length);
			response.end('content');
		},
		asks,
	);
	const host = await serveTls(
		t,
		'server.crt',
		(_, response) => response.writeHead(307, {location: `https://${storage}/x`}).end(),
		asks,
	);
	const dir = tempDir(t);
	writeFiles(dir, {
		[`${host}/ca.crt`]: ca,
		[`${host}/client.cert`]: tlsFixture('client.crt'),
		[`${host}/client.key`]: tlsFixture('server.key'),
	});
	const response = await open(t, {hosts: openHosts({certsDirs: [dir]})}).send(ping(host), {});
	t.is(await textOf(response.body), 'content');
	t.deepEqual(seen, [0]);
});

test('plain http is for loopback and for what was told; elsewhere it is refused before anything is sent', async t => {
	const requests: string[] = [];
	const host = await listen(
		t,
		createServer((request, response) => {
			requests.push(request.url ?? '');
			response.end('plain');
		}),
	);
	t.is(await textOf((await open(t, {}).send(ping(host), {})).body), 'plain');
	const hosts = async (name: string, repository: string) => [{...homeEndpoint(name, repository), plainHttp: false}];
	await t.throwsAsync(open(t, {hosts}).send(ping(host), {}), {
		code: 'ERR_REGISTRY_TLS',
		message: `${host} does not speak TLS`,
	});
	t.deepEqual(requests, ['/v2/']);
});

test('many requests at once find out together that a host speaks plain http', async t => {
	let connections = 0;
	const server = createServer((_, response) => response.end('plain'));
	server.on('connection', () => {
		connections++;
	});
	const host = await listen(t, server);
	const transport = open(t, {connections: 1});
	const all = await Promise.all(
		Array.from({length: 10}, () => transport.send(ping(host), {}).then(r => textOf(r.body))),
	);
	t.is(all.join(), Array.from({length: 10}, () => 'plain').join());
	t.is(connections, 2);
});
