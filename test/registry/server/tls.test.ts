import {once} from 'node:events';
import {copyFileSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {connect as connectPlain} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {connect, type TLSSocket} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import type {ServeOptions} from '../../../lib/registry/server/options.js';
import {serveRegistry} from '../../../lib/registry/server/serve.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {tempDir} from '../../helpers/temp-dir.js';

const fixtures = 'test/fixtures/tls';

interface Setup {
	readonly port: number;
	readonly url: string;
	readonly cert: string;
	readonly key: string;
	readonly events: SealEvent[];
	readonly dir: string;
}

/** Serves TLS with copies of fixtures, looked at often. */
async function setUp(
	t: ExecutionContext,
	more: Partial<ServeOptions> & {readonly clientCa?: string} = {},
): Promise<Setup> {
	const dir = tempDir(t);
	const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
	copyFileSync(join(fixtures, 'server.crt'), cert);
	copyFileSync(join(fixtures, 'server.key'), key);
	const events: SealEvent[] = [];
	const {clientCa, ...options} = more;
	const storage = await openStockStorage(join(dir, 'registry'), {create: true, durability: 'none'});
	const tls = {cert, key, clientCa};
	const server = await serveRegistry(storage, {
		port: 0,
		tls,
		tlsCheckMs: 20,
		onEvent: event => events.push(event),
		...options,
	});
	t.teardown(async () => {
		await server.close();
		await storage.close();
	});
	return {port: server.address.port, url: server.url, cert, key, events, dir};
}

async function handshake(t: ExecutionContext, port: number, options: object = {}): Promise<TLSSocket> {
	const socket = connect({port, host: '127.0.0.1', rejectUnauthorized: false, ...options});
	socket.on('error', () => {});
	t.teardown(() => socket.destroy());
	await once(socket, 'secureConnect');
	return socket;
}

async function subjectOf(t: ExecutionContext, port: number): Promise<string> {
	const socket = await handshake(t, port);
	const {fingerprint256} = socket.getPeerCertificate();
	socket.destroy();
	return fingerprint256;
}

async function ask(socket: TLSSocket): Promise<string> {
	socket.write('GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n');
	const [data] = (await once(socket, 'data')) as [Buffer];
	return data.toString().split('\r\n')[0] ?? '';
}

async function until(check: () => Promise<boolean> | boolean): Promise<void> {
	while (!(await check())) await sleep(20);
}

test('a registry is served over TLS 1.2 and 1.3 and nothing older', async t => {
	const {port, url} = await setUp(t);
	t.is(url, `https://127.0.0.1:${port}`);
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const socket = await handshake(t, port, {minVersion: version, maxVersion: version});
		t.is(socket.getProtocol(), version);
		t.is(await ask(socket), 'HTTP/1.1 200 OK');
	}
	const old = connect({
		port,
		host: '127.0.0.1',
		rejectUnauthorized: false,
		minVersion: 'TLSv1.1',
		maxVersion: 'TLSv1.1',
		ciphers: 'ALL:@SECLEVEL=0',
	});
	const [error] = (await once(old, 'error')) as [Error];
	t.regex(error.message, /protocol|version/i);
});

test('a certificate that changed is used for new connections, and open ones go on', async t => {
	const {port, cert, key, events} = await setUp(t);
	const before = await subjectOf(t, port);
	const open = await handshake(t, port);
	t.is(await ask(open), 'HTTP/1.1 200 OK');
	copyFileSync(join(fixtures, 'self-signed.crt'), cert);
	await until(() => events.length > 0);
	t.is(await subjectOf(t, port), before, 'half a change counts for nothing');
	copyFileSync(join(fixtures, 'self-signed.key'), `${key}.new`);
	renameSync(`${key}.new`, key);
	await until(async () => (await subjectOf(t, port)) !== before);
	t.is(await ask(open), 'HTTP/1.1 200 OK');
	t.like(events[0], {
		type: 'warning',
		code: 'RegistryTls',
		message: `${key} is not the key of the certificate ${cert}; what was read before stays in force`,
	});
});

test('a file that is cut short keeps the old certificate in force', async t => {
	const {port, cert, events} = await setUp(t);
	const before = await subjectOf(t, port);
	writeFileSync(cert, readFileSync(join(fixtures, 'self-signed.crt')).subarray(0, 200));
	await until(() => events.length > 0);
	t.is(await subjectOf(t, port), before);
	await sleep(100);
	t.is(events.length, 1, 'one change is one warning');
});

test('with an authority for clients only those with its certificate get in', async t => {
	const {port} = await setUp(t, {clientCa: join(fixtures, 'ca.crt')});
	const key = readFileSync(join(fixtures, 'server.key'));
	const known = await handshake(t, port, {
		cert: readFileSync(join(fixtures, 'client.crt')),
		key,
		maxVersion: 'TLSv1.2',
	});
	t.is(await ask(known), 'HTTP/1.1 200 OK');
	const unknown = connect({port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2'});
	await t.throwsAsync(once(unknown, 'secureConnect'));
});

const refused = test.macro({
	async exec(t, cert: string, key: string, message: RegExp) {
		const storage = await openStockStorage(tempDir(t), {create: true});
		await t.throwsAsync(serveRegistry(storage, {port: 0, tls: {cert, key}}), {code: 'ERR_SERVER_TLS', message});
	},
	title: (_, cert: string, key: string) => `${cert} with ${key} is refused`,
});

test(refused, `${fixtures}/self-signed.crt`, `${fixtures}/server.key`, /is not the key of the certificate/);
test(refused, `${fixtures}/server.key`, `${fixtures}/server.key`, /holds no certificate$/);
test(refused, `${fixtures}/server.crt`, `${fixtures}/server.crt`, /holds no private key that can be used$/);

test('files that are not there are refused with their path', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true});
	const tls = {cert: '/nowhere/a.crt', key: '/nowhere/a.key'};
	await t.throwsAsync(serveRegistry(storage, {port: 0, tls}), {
		code: 'ERR_IO',
		message: /^Cannot read \/nowhere\/a\.(?:crt|key): it does not exist$/,
	});
});

test('plain HTTP, rubbish and a handshake that stops do not trouble a TLS server', async t => {
	const {port} = await setUp(t, {limits: {headersMs: 300}});
	for (const bytes of [
		'GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n',
		'\u0016\u0003\u0001garbage',
		'\u0000'.repeat(1000),
		'',
	]) {
		const socket = connectPlain(port, '127.0.0.1');
		socket.on('error', () => {});
		socket.resume();
		socket.write(bytes);
		await new Promise(resolve => socket.once('close', resolve));
	}
	t.is(await ask(await handshake(t, port)), 'HTTP/1.1 200 OK');
});
