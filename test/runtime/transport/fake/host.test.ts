import test, {type ExecutionContext} from 'ava';
import {hasCode} from '../../../../lib/core/errors.js';
import {mapBounded} from '../../../../lib/core/pool.js';
import {eachHost} from '../../../../lib/runtime/host/each.js';
import {exec, execOk} from '../../../../lib/runtime/transport/exec.js';
import {createFakeHost, type FakeHostOptions, openFakeHosts} from '../../../../lib/runtime/transport/fake/host.js';

test('commands are answered by name, first words, line and function; the last that was added comes first', async t => {
	const host = createFakeHost()
		.on('kubeadm', 'any\n')
		.on(['kubeadm', 'join'], {stdout: 'join\n', code: 3})
		.on(/token create$/, 'token\n')
		.on(call => call.env.DRY === '1', {stderr: 'dry\n'});
	const run = async (argv: string[], env = {}): Promise<unknown[]> => {
		const {stdout, stderr, status} = await exec(host.transport, argv, {env});
		return [stdout.toString(), stderr.toString(), status.code];
	};
	t.deepEqual(await run(['/usr/bin/kubeadm', 'init']), ['any\n', '', 0]);
	t.deepEqual(await run(['kubeadm', 'join', 'x']), ['join\n', '', 3]);
	t.deepEqual(await run(['kubeadm', 'token', 'create']), ['token\n', '', 0]);
	t.deepEqual(await run(['kubeadm', 'init'], {DRY: '1'}), ['', 'dry\n', 0]);
	t.is((await run(['no-such-program']))[2], 127);
});

test('an answer may look at the command, its input too, leave it to others, or be good for once', async t => {
	const host = createFakeHost()
		.on('cat', async call => `${(await call.readInput()).length} bytes\n`)
		.on('cat', call => (call.argv.length > 1 ? 'with words\n' : undefined))
		.once('cat', {code: 9});
	t.is((await exec(host.transport, ['cat'])).status.code, 9);
	t.is((await execOk(host.transport, ['cat'], {input: 'hello'})).toString(), '5 bytes\n');
	t.is((await execOk(host.transport, ['cat', 'x'])).toString(), 'with words\n');
});

test('every command is on record with what came with it and how it ended', async t => {
	const host = createFakeHost();
	await exec(host.transport, ['false'], {env: {A: '1'}, cwd: '/tmp', as: 'login'});
	t.like(host.calls[0], {argv: ['false'], env: {A: '1'}, cwd: '/tmp', as: 'login', status: {code: 1}});
});

const plays = test.macro(
	async (t: ExecutionContext, options: FakeHostOptions, lines: readonly (readonly [string, string, number?])[]) => {
		const host = createFakeHost(options);
		for (const [line, output, code = 0] of lines) {
			const {stdout, status} = await exec(host.transport, line.split(' '), {input: 'in'});
			t.is(stdout.toString(), output, line);
			t.is(status.code, code, line);
		}
	},
);

test('files are there for commands and for the test', plays, {files: {'/etc/hostname': 'a\n', '/d': {folder: true}}}, [
	['cat /etc/hostname', 'a\n'],
	['cat /etc/hostname /nope', 'a\n', 1],
	['cat', 'in'],
	['tee /d/new', 'in'],
	['test -f /d/new', ''],
	['test -d /d', ''],
	['[ -e /nope ]', '', 1],
	['mkdir /x/y', '', 1],
	['mkdir -p /x/y', ''],
	['mv /d/new /x/y/moved', ''],
	['sha256sum /x/y/moved', '582967534d0f909d196b97f9e6921342777aea87b46fa52df165389db1fb8ccf  /x/y/moved\n'],
	['rm /d/new', '', 1],
	['rm -rf /x', ''],
	['test -e /x/y/moved', '', 1],
]);

test(
	'units start, stop and fail',
	plays,
	{units: {a: {active: true}, 'b.service': {}, bad: {broken: true}}, files: {'/etc/systemd/system/c.service': ''}},
	[
		['systemctl is-active a', 'active\n'],
		['systemctl is-active -q b', '', 3],
		['systemctl enable --now b.service', ''],
		['systemctl is-active a b', 'active\nactive\n'],
		['systemctl is-enabled b a', 'enabled\ndisabled\n'],
		['systemctl disable --now a', ''],
		['systemctl is-active a', 'inactive\n', 3],
		['systemctl daemon-reload', ''],
		['systemctl restart c', ''],
		['systemctl start bad', '', 1],
		['systemctl start nope', '', 5],
		['systemctl dance a', '', 1],
	],
);

test('packages come and go', plays, {packages: {curl: '8.5'}}, [
	['dpkg-query -W curl', 'curl\t8.5\n'],
	['rpm -q curl vim', 'curl-8.5\npackage vim is not installed\n', 1],
	['apt-get install -y vim', ''],
	['rpm -q vim', 'vim-1.0\n'],
	['dnf remove -y curl', ''],
	['dpkg-query -W curl', '', 1],
	['apt-get update', ''],
	['apt-get dance', '', 1],
]);

test('small programs answer for the host', plays, {name: 'web1', machine: 'aarch64'}, [
	['hostname', 'web1\n'],
	['uname -m', 'aarch64\n'],
	['id -u', '0\n'],
	['echo a b', 'a b\n'],
	['sh -c true', '', 127],
]);

test('a host that is down loses what runs and cannot be reached', async t => {
	const host = createFakeHost().on('sleep', {hangs: true});
	const running = exec(host.transport, ['sleep', '9']);
	host.down();
	t.true(hasCode(await t.throwsAsync(running), 'ERR_HOST_LOST'));
	t.true(hasCode(await t.throwsAsync(exec(host.transport, ['true'])), 'ERR_HOST_UNREACHABLE'));
	host.up();
	t.is((await exec(host.transport, ['true'])).status.code, 0);
});

test('signals and aborts reach what runs', async t => {
	const host = createFakeHost().on('sleep', {hangs: true});
	const running = await host.transport.spawn(['sleep', '9']);
	await running.kill('HUP');
	t.deepEqual(await running.exit, {signal: 'HUP'});
	const stop = new AbortController();
	const second = await host.transport.spawn(['sleep', '9'], {signal: stop.signal});
	stop.abort(new Error('enough'));
	await t.throwsAsync(second.exit, {message: 'enough'});
	t.true(host.calls[1]?.ended.aborted);
	const third = await host.transport.spawn(['sleep', '9']);
	await host.transport.close();
	await t.throwsAsync(third.exit);
	await t.throwsAsync(host.transport.spawn(['true']));
});

test('many commands on many hosts keep to their bounds', async t => {
	const hosts = Array.from({length: 12}, (_, index) => createFakeHost({name: `h${index}`}));
	let running = 0;
	let most = 0;
	for (const host of hosts) {
		host.on('work', async () => {
			most = Math.max(most, ++running);
			await new Promise(resolve => setTimeout(resolve, 3));
			running--;
			return {};
		});
	}
	const outcomes = await eachHost(
		hosts.map(host => host.transport),
		async transport => await mapBounded([1, 2, 3, 4, 5], 2, () => exec(transport, ['work'])),
		{concurrency: 4},
	);
	t.true(outcomes.every(outcome => outcome.ok));
	t.true(most <= 8, `${most} at once`);
	t.deepEqual(
		hosts.map(host => host.mostAtOnce > 2),
		hosts.map(() => false),
	);
});

test('hosts are opened by name or address, and others cannot be reached', async t => {
	const open = openFakeHosts([createFakeHost({name: '10.0.0.1'})]);
	const target = (name: string, address: string) => ({name, address, roles: [], login: {}});
	t.is((await exec(open(target('web1', '10.0.0.1')), ['true'])).status.code, 0);
	t.true(hasCode(await t.throwsAsync(exec(open(target('web2', '10.0.0.2')), ['true'])), 'ERR_HOST_UNREACHABLE'));
});

test('a slow host takes its time, and an abort does not wait for it', async t => {
	const host = createFakeHost();
	host.delayMs = 60_000;
	const stop = new AbortController();
	setTimeout(() => stop.abort(new Error('enough')), 20);
	await t.throwsAsync(exec(host.transport, ['true'], {signal: stop.signal}), {message: 'enough'});
});
