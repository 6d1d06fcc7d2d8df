import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {askEndpoint, type Served} from '../../../../lib/runtime/pki/check/served.js';
import {pair} from '../../../../lib/runtime/pki/cluster/places.js';
import {planAll, threeMasters, written} from '../../../helpers/cluster-pki.js';
import {serveTls} from '../../../helpers/pki-root.js';
import {shellTransport} from '../../../helpers/shell-transport.js';

const path = process.env.PATH ?? '';

async function ask(
	port: number,
	timeoutMs = 20_000,
	env: Readonly<Record<string, string>> = {PATH: path},
): Promise<Served> {
	const endpoint = {component: 'etcd', address: '127.0.0.1', port, file: undefined};
	return await askEndpoint(shellTransport(['/bin/sh'], env), endpoint, {timeoutMs});
}

async function serve(t: ExecutionContext, answer: (socket: Socket) => void): Promise<number> {
	const server = createServer(socket => {
		socket.on('error', () => {});
		t.teardown(() => socket.destroy());
		answer(socket);
	});
	t.teardown(() => server.close());
	await once(server.listen(0, '127.0.0.1'), 'listening');
	return (server.address() as AddressInfo).port;
}

test('a server shows its certificate', async t => {
	const files = written(await planAll(threeMasters)).get('m1')!;
	const {certificate, key} = pair('etcd/server');
	const answer = await ask(await serveTls(t, files, certificate, key));
	t.regex('pem' in answer ? answer.pem : answer.why, /^-----BEGIN CERTIFICATE-----/);
});

const fails = test.macro(async (t, answer: (socket: Socket) => void, why: string, timeoutMs?: number) => {
	const served = await ask(await serve(t, answer), timeoutMs);
	t.deepEqual('why' in served ? [served.why, served.isRefused] : [], [why, false]);
});

test('a server that says nothing', fails, () => {}, 'it does not answer', 300);
test('a server that hangs up', fails, socket => socket.destroy(), 'it does not speak TLS as we do');
test('a server of another protocol', fails, socket => socket.end('220 ready\r\n'), 'it does not speak TLS as we do');

test('a host without any means to connect', async t => {
	const served = await ask(1, 20_000, {PATH: '/nowhere'});
	t.is('why' in served ? served.why : '', 'the host has no bash, nc or python3 to ask it with');
});

test('an abort rejects with its reason', async t => {
	const port = await serve(t, () => {});
	const stop = new AbortController();
	const endpoint = {component: 'etcd', address: '127.0.0.1', port, file: undefined};
	const asked = askEndpoint(shellTransport(['/bin/sh'], {PATH: path}), endpoint, {signal: stop.signal});
	stop.abort(new Error('enough'));
	await t.throwsAsync(asked, {message: 'enough'});
});
