import {readFileSync} from 'node:fs';
import {type AddressInfo, createServer} from 'node:net';
import {text} from 'node:stream/consumers';
import test from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import type {HostError} from '../../../../lib/runtime/host/error.js';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import {isForwarder} from '../../../../lib/runtime/transport/transport.js';
import {keyOf, loopback, sshHome} from '../../../helpers/ssh-hosts.js';
import {generateKey, startSshServer} from '../../../helpers/ssh-server.js';

const key = generateKey();

test('goes through a chain of jump hosts, each with a connection that all hosts behind it share', async t => {
	const [first, second, host] = await Promise.all([
		startSshServer(t, {keys: [key], allowForwards: true}),
		startSshServer(t, {keys: [key], allowForwards: true}),
		startSshServer(t, {keys: [key]}),
	]);
	const hosts = sshHome(t);
	const jumps = [`a@127.0.0.1:${first.port}`, `b@127.0.0.1:${second.port}`];
	const transports = ['one', 'two', 'three'].map(name =>
		hosts.open({...loopback(host, {jumps, identities: [keyOf(key)]}), name}),
	);
	const results = await Promise.all(transports.map(transport => exec(transport, ['echo', transport.host])));
	t.deepEqual(
		results.map(({stdout}) => stdout.toString()),
		['one\n', 'two\n', 'three\n'],
	);
	t.deepEqual(
		[first, second, host].map(({seen}) => seen.connections),
		[1, 1, 3],
	);
	const known = readFileSync(hosts.knownHosts, 'utf8');
	t.true([first, second, host].every(({port}) => known.includes(`[127.0.0.1]:${port} `)));
	await Promise.all(transports.map(transport => transport.close()));
});

test('finds jump hosts in the configuration', async t => {
	const [jump, host] = await Promise.all([startSshServer(t, {allowForwards: true}), startSshServer(t, {})]);
	const config = `Host bastion\n  HostName 127.0.0.1\n  Port ${jump.port}\nHost inner\n  HostName 127.0.0.1\n  Port ${host.port}\n  ProxyJump bastion\n`;
	const hosts = sshHome(t, {}, {'.ssh/config': config});
	const transport = hosts.open({name: 'inner', address: 'inner', roles: [], login: {}});
	t.is((await exec(transport, ['echo', 'in'])).stdout.toString(), 'in\n');
	t.is(jump.seen.connections, 1);
});

test('a jump host for all hosts is not its own', async t => {
	const [jump, host] = await Promise.all([startSshServer(t, {allowForwards: true}), startSshServer(t, {})]);
	const config = `Host bastion\n  Port ${jump.port}\nHost inner\n  Port ${host.port}\nHost *\n  HostName 127.0.0.1\n  ProxyJump bastion\n`;
	const hosts = sshHome(t, {}, {'.ssh/config': config});
	for (const address of ['inner', 'bastion']) {
		const transport = hosts.open({name: address, address, roles: [], login: {}});
		t.is((await exec(transport, ['echo', 'in'])).stdout.toString(), 'in\n');
		await transport.close();
	}
	t.deepEqual([jump.seen.connections, host.seen.connections], [2, 1]);
});

test('the password of a host is not shown to its jump host', async t => {
	const [jump, host] = await Promise.all([
		startSshServer(t, {password: 'outer', allowForwards: true}),
		startSshServer(t, {password: 'inner'}),
	]);
	const target = loopback(host, {password: new Secret('inner'), jumps: [`127.0.0.1:${jump.port}`]});
	const without = sshHome(t).open(target);
	const error = await t.throwsAsync(exec(without, ['true']), {
		code: 'ERR_HOST_LOGIN',
		message: /^Jump host 127.0.0.1: The host does not/,
	});
	t.deepEqual(jump.seen.attempts, ['none']);
	t.false('accepted' in (error as HostError).details);
	const withBoth = sshHome(t, {jumpPassword: new Secret('outer')}).open(target);
	t.is((await exec(withBoth, ['echo', 'in'])).stdout.toString(), 'in\n');
});

test('tells a jump host that lets nothing through', async t => {
	const [jump, host] = await Promise.all([startSshServer(t), startSshServer(t)]);
	const transport = sshHome(t).open(loopback(host, {jumps: [`127.0.0.1:${jump.port}`]}));
	await t.throwsAsync(exec(transport, ['true']), {
		code: 'ERR_HOST_FORWARD',
		message: 'The jump host 127.0.0.1 does not let connections through',
	});
});

test('tells jump hosts that lead in circles', async t => {
	const config = 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n';
	const transport = sshHome(t, {}, {'.ssh/config': config}).open({name: 'a', address: 'a', roles: [], login: {}});
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_SSH_CONFIG', message: /leads in circles$/});
});

test('forwards a connection to an address as the host sees it', async t => {
	const answering = createServer(socket => socket.end('hello'));
	await new Promise<void>(resolve => answering.listen(0, '127.0.0.1', resolve));
	t.teardown(() => answering.close());
	const transport = sshHome(t).open(loopback(await startSshServer(t, {allowForwards: true})));
	t.true(isForwarder(transport));
	const stream = await transport.forward('127.0.0.1', (answering.address() as AddressInfo).port);
	t.is(await text(stream), 'hello');
	stream.end();
});

test('a command behind a jump host fails when that one breaks, and the way is found again', async t => {
	const [jump, host] = await Promise.all([startSshServer(t, {allowForwards: true}), startSshServer(t)]);
	const transport = sshHome(t).open(loopback(host, {jumps: [`127.0.0.1:${jump.port}`]}));
	const running = await transport.spawn(['sh', '-c', 'echo begun; cat']);
	running.stderr.resume();
	await new Promise(resolve => running.stdout.once('data', resolve));
	running.stdout.resume();
	running.stdin.write(Buffer.alloc(8 << 20));
	jump.cut();
	await t.throwsAsync(running.exit, {code: 'ERR_HOST_LOST'});
	running.stdin.write('more');
	running.stdin.end();
	t.is((await exec(transport, ['echo', 'again'])).stdout.toString(), 'again\n');
	t.deepEqual([jump.seen.connections, host.seen.connections], [2, 2]);
});
