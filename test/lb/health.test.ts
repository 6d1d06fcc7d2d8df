import {createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {createProber, type Prober} from '../../lib/lb/health.js';
import type {NextPort} from '../../lib/lb/probe-ports.js';
import type {ProbeResult} from '../../lib/lb/reconcile.js';
import {defaults, type Member, type ProbeSpec} from '../../lib/lb/spec.js';
import {freePort} from '../helpers/free-port.js';
import {serveTls, tlsFixture} from '../helpers/tls-server.js';

const https: ProbeSpec = {...defaults.probe, timeoutMs: 2000};

function proberFor(
	t: ExecutionContext,
	endpoint: string,
	spec: ProbeSpec = https,
	authority: string | undefined = tlsFixture('ca.crt'),
): Prober {
	const [address = '', port = ''] = endpoint.split(':');
	const member: Member = {address, port: Number(port)};
	const prober = createProber(member, spec, authority);
	t.teardown(() => prober.close());
	return prober;
}

function proberFrom(t: ExecutionContext, endpoint: string, spec: ProbeSpec, nextPort: NextPort): Prober {
	const member: Member = {address: '127.0.0.1', port: portOf(endpoint)};
	const prober = createProber(member, spec, tlsFixture('ca.crt'), nextPort);
	t.teardown(() => prober.close());
	return prober;
}

const portOf = (endpoint: string): number => Number(endpoint.split(':')[1]);

const answers = test.macro<[number, ProbeResult['kind']]>({
	async exec(t, status, kind) {
		const endpoint = await serveTls(t, 'server.crt', (_, response) => response.writeHead(status).end());
		t.is((await proberFor(t, endpoint).probe()).kind, kind);
	},
	title: (_, status, kind) => `${status} means ${kind}`,
});
test(answers, 200, 'ready');
test(answers, 302, 'ready');
test(answers, 401, 'ready');
test(answers, 403, 'ready');
test(answers, 429, 'ready');
test(answers, 404, 'unready');
test(answers, 500, 'unready');
test(answers, 503, 'unready');

test('the path that is asked for is the one of the spec, under the name of the server', async t => {
	const seen: string[] = [];
	const endpoint = await serveTls(t, 'server.crt', (request, response) => {
		seen.push(`${request.url} ${request.headers.host}`);
		response.end('ok');
	});
	t.deepEqual(await proberFor(t, endpoint, {...https, path: '/livez', serverName: 'localhost'}).probe(), {
		kind: 'ready',
	});
	t.deepEqual(seen, ['/livez localhost']);
});

test('many probes take one connection', async t => {
	const sockets = new Set<Socket>();
	const endpoint = await serveTls(t, 'server.crt', (request, response) => {
		sockets.add(request.socket);
		response.end('ok');
	});
	const prober = proberFor(t, endpoint);
	for (let i = 0; i < 5; i++) t.deepEqual(await prober.probe(), {kind: 'ready'});
	t.is(sockets.size, 1);
});

test('a connection that the server gave up while it was idle is no failure', async t => {
	let last: Socket | undefined;
	const endpoint = await serveTls(t, 'server.crt', (request, response) => {
		last = request.socket;
		response.end('ok');
	});
	const prober = proberFor(t, endpoint);
	await prober.probe();
	last?.destroy();
	t.deepEqual(await prober.probe(), {kind: 'ready'});
});

const strangers = test.macro<[string, RegExp]>({
	async exec(t, certificate, why) {
		const key = certificate === 'self-signed.crt' ? {key: tlsFixture('self-signed.key')} : {};
		const endpoint = await serveTls(t, certificate, (_, response) => response.end('ok'), key);
		const result = await proberFor(t, endpoint).probe();
		t.is(result.kind, 'failed');
		t.regex(result.kind === 'failed' ? result.why : '', why);
	},
	title: (_, certificate) => `a server with ${certificate} is no member that works`,
});
test(strangers, 'self-signed.crt', /not from the authority of the cluster/);
test(strangers, 'wrong-name.crt', /for other names/);
test(strangers, 'expired.crt', /expired/);

test('without an authority the certificate is not checked', async t => {
	const endpoint = await serveTls(t, 'self-signed.crt', (_, response) => response.end('ok'), {
		key: tlsFixture('self-signed.key'),
	});
	const [address = '', port = ''] = endpoint.split(':');
	const prober = createProber({address, port: Number(port)}, https, undefined);
	t.teardown(() => prober.close());
	t.deepEqual(await prober.probe(), {kind: 'ready'});
});

/** A server that takes connections and stays silent. */
async function silent(t: ExecutionContext): Promise<{readonly endpoint: string; readonly open: Set<Socket>}> {
	const open = new Set<Socket>();
	const server = createServer(socket => {
		open.add(socket);
		socket
			.resume()
			.on('error', () => undefined)
			.on('close', () => open.delete(socket));
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		for (const socket of open) socket.destroy();
		server.close();
	});
	return {endpoint: `127.0.0.1:${(server.address() as {port: number}).port}`, open};
}

test('a server that accepts and never answers has failed when the time is over, and its connection is gone', async t => {
	const {endpoint, open} = await silent(t);
	const prober = proberFor(t, endpoint, {...https, timeoutMs: 100});
	for (let i = 0; i < 3; i++) t.deepEqual(await prober.probe(), {kind: 'failed', why: 'no answer in 100 ms'});
	for (let i = 0; i < 50 && open.size > 0; i++) await new Promise(resolve => setTimeout(resolve, 10));
	t.is(open.size, 0);
});

test('a server that sends its answer drop by drop has failed when the time is over', async t => {
	const endpoint = await serveTls(t, 'server.crt', (_, response) => {
		response.writeHead(200);
		const timer = setInterval(() => response.write('.'), 10);
		response.on('close', () => clearInterval(timer));
	});
	t.is((await proberFor(t, endpoint, {...https, timeoutMs: 200}).probe()).kind, 'failed');
});

test('nobody listening is a refused connection', async t => {
	const {endpoint} = await silent(t);
	const closed = endpoint.replace('127.0.0.1', '127.0.0.2');
	for (const kind of ['https', 'tcp'] as const)
		t.deepEqual(await proberFor(t, closed, {...https, kind}).probe(), {
			kind: 'failed',
			why: 'the connection is refused',
		});
});

test('probes come from the ports that they are given, and pass over those that are taken', async t => {
	const seen: (number | undefined)[] = [];
	const endpoint = await serveTls(t, 'server.crt', (request, response) => {
		seen.push(request.socket.remotePort);
		response.end('ok');
	});
	const taken = portOf((await silent(t)).endpoint);
	const free = await freePort();
	const ports = [taken, taken, free];
	const prober = proberFrom(t, endpoint, https, () => ports.shift());
	t.deepEqual(await prober.probe(), {kind: 'ready'});
	t.deepEqual(await prober.probe(), {kind: 'ready'});
	t.deepEqual(seen, [free, free]);
});

test('a tcp probe comes from a port that it is given, too', async t => {
	const {endpoint, open} = await silent(t);
	const free = await freePort();
	const ports = [portOf(endpoint), free];
	t.deepEqual(await proberFrom(t, endpoint, {...https, kind: 'tcp'}, () => ports.shift()).probe(), {kind: 'ready'});
	while (open.size === 0) await new Promise(resolve => setTimeout(resolve, 10));
	t.deepEqual(
		[...open].map(({remotePort}) => remotePort),
		[free],
	);
});

test('where all ports are taken the kernel chooses', async t => {
	const endpoint = await serveTls(t, 'server.crt', (_, response) => response.end('ok'));
	const taken = portOf((await silent(t)).endpoint);
	for (const kind of ['https', 'tcp'] as const)
		t.deepEqual(await proberFrom(t, endpoint, {...https, kind}, () => taken).probe(), {kind: 'ready'});
});

test('for a tcp probe a connection is enough', async t => {
	const {endpoint} = await silent(t);
	t.deepEqual(await proberFor(t, endpoint, {...https, kind: 'tcp'}).probe(), {kind: 'ready'});
});
