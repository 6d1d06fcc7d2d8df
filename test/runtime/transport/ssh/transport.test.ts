import {randomBytes} from 'node:crypto';
import type {Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import type {RemoteProcess} from '../../../../lib/runtime/transport/transport.js';
import {isRunning} from '../../../helpers/running.js';
import {loopback, sshHome} from '../../../helpers/ssh-hosts.js';
import {startSshServer} from '../../../helpers/ssh-server.js';

test('gives stdout and stderr apart, byte for byte, and the exit code', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	const input = randomBytes(3 << 20);
	const argv = ['sh', '-c', 'cat; echo "wrong: $1" >&2; exit 7', 'x', "it's"];
	const {stdout, stderr, status} = await exec(transport, argv, {input});
	t.true(stdout.equals(input));
	t.is(stderr.toString(), "wrong: it's\n");
	t.deepEqual(status, {code: 7});
});

test('tells the signal that ended a command', async t => {
	const transport = sshHome(t).open(loopback(await startSshServer(t)));
	const {status} = await exec(transport, ['sh', '-c', 'kill -KILL $$']);
	t.deepEqual(status, {signal: 'KILL'});
});

test('makes one connection for many commands, and no more at once than the host takes', async t => {
	const server = await startSshServer(t, {maxSessions: 3});
	const transport = sshHome(t).open(loopback(server));
	const results = await Promise.all(
		Array.from(
			{length: 12},
			async (_, index) => await exec(transport, ['sh', '-c', 'sleep 0.05; echo $1', 'x', `${index}`]),
		),
	);
	t.deepEqual(
		results.map(({stdout}) => stdout.toString().trim()),
		Array.from({length: 12}, (_, index) => `${index}`),
	);
	t.is(server.seen.connections, 1);
	t.is(server.seen.atOnce, 3);
});

test('connects again after the connection broke between two commands', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	await exec(transport, ['true']);
	server.cut();
	// Until the end has arrived here a command still goes to the old connection, and is lost with it.
	let stdout: Buffer | undefined;
	while (stdout === undefined) {
		try {
			({stdout} = await exec(transport, ['echo', 'again']));
		} catch (error) {
			t.is((error as {code?: string}).code, 'ERR_HOST_LOST');
		}
	}
	t.is(stdout.toString(), 'again\n');
	t.is(server.seen.connections, 2);
});

test('a command fails when the connection breaks under it, and is not run twice', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	const running = await transport.spawn(['sh', '-c', 'echo begun; sleep 30']);
	running.stderr.resume();
	await new Promise(resolve => running.stdout.once('data', resolve));
	running.stdout.resume();
	server.cut();
	await t.throwsAsync(running.exit, {code: 'ERR_HOST_LOST', message: /^The connection broke/});
	t.is(server.seen.connections, 1);
});

test('comes again, more slowly each time, to a host that drops new connections', async t => {
	const server = await startSshServer(t, {drops: 2});
	const hosts = sshHome(t);
	const {stdout} = await exec(hosts.open(loopback(server)), ['echo', 'in']);
	t.is(stdout.toString(), 'in\n');
	const retries = hosts.events.filter(event => event.type === 'retry');
	t.deepEqual(
		retries.map(({id, attempt}) => ({id, attempt})),
		[
			{id: 'one', attempt: 1},
			{id: 'one', attempt: 2},
		],
	);
});

test('an abort ends the process on the host and what it started', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	const mark = `3${randomBytes(3).readUIntBE(0, 3)}`;
	const abort = new AbortController();
	const running = await transport.spawn(['sh', '-c', `sleep ${mark} & echo begun; wait`], {signal: abort.signal});
	running.stderr.resume();
	await new Promise(resolve => running.stdout.once('data', resolve));
	running.stdout.resume();
	while (!isRunning(['sleep', mark])) await sleep(10);
	abort.abort(new Error('enough'));
	await t.throwsAsync(running.exit, {message: 'enough'});
	t.false(isRunning(['sleep', mark]));
});

test('an abort reaches a host that has no place for a command that ends another', async t => {
	const server = await startSshServer(t, {maxSessions: 1});
	const transport = sshHome(t).open(loopback(server));
	const abort = new AbortController();
	const running = await transport.spawn(['sh', '-c', 'echo begun; sleep 30'], {signal: abort.signal});
	running.stderr.resume();
	await new Promise(resolve => running.stdout.once('data', resolve));
	running.stdout.resume();
	abort.abort(new Error('enough'));
	await t.throwsAsync(running.exit, {message: 'enough'});
	t.is(server.seen.connections, 2);
	t.is((await exec(transport, ['echo', 'free'])).stdout.toString(), 'free\n');
});

test('an abort while connecting leaves nothing open', async t => {
	const abort = new AbortController();
	let closed: Promise<unknown> = Promise.resolve();
	const server = await startSshServer(t, {
		password: 'secret',
		onConnection: connection => {
			closed = new Promise(resolve => connection.once('close', () => resolve(undefined)));
			connection.removeAllListeners('authentication');
			connection.once('authentication', () => abort.abort(new Error('enough')));
		},
	});
	const transport = sshHome(t).open(loopback(server));
	await t.throwsAsync(exec(transport, ['true'], {signal: abort.signal}), {message: 'enough'});
	await closed;
	t.is(server.seen.connections, 1);
});

test('closing ends what still runs, and refuses what comes later', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	const running: RemoteProcess = await transport.spawn(['sleep', '30']);
	running.stdout.resume();
	running.stderr.resume();
	await transport.close();
	await t.throwsAsync(running.exit, {code: 'ERR_HOST_LOST'});
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_HOST_LOST', message: /closed by this side/});
	await transport.close();
});

test('does not wait for ever for a writer whose reader has ended', async t => {
	const server = await startSshServer(t);
	const transport = sshHome(t).open(loopback(server));
	const running = await transport.spawn(['head', '-c', '5']);
	running.stderr.resume();
	running.stdin.on('error', () => undefined);
	running.stdin.write(Buffer.alloc(16 << 20, 'a'));
	const chunks: Buffer[] = [];
	running.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
	t.deepEqual(await running.exit, {code: 0});
	t.is(Buffer.concat(chunks).toString(), 'aaaaa');
});

test('tells a host that lets the user in and runs nothing', async t => {
	const server = await startSshServer(t, {maxSessions: 0});
	const transport = sshHome(t).open(loopback(server));
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_HOST_SESSION', message: /^The host lets the user in/});
});

test('a command that is given up does not wait for a host that answers no more', async t => {
	const server = await startSshServer(t, {
		onExec: (_line, _channel, connection) => {
			(connection as unknown as {readonly _sock: Socket})._sock.pause();
		},
	});
	const transport = sshHome(t).open(loopback(server));
	const abort = new AbortController();
	const running = exec(transport, ['true'], {signal: abort.signal});
	while (server.seen.commands.length === 0) await sleep(10);
	abort.abort(new Error('enough'));
	await t.throwsAsync(running, {message: 'enough'});
});
