import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {cliInTerminal, terminalTest} from '../helpers/pty-cli.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';
import {generateKey, startSshServer} from '../helpers/ssh-server.js';

const common = ['--user', 'tester', '--no-agent', '--ssh-config', 'none', '--no-sudo'];

terminalTest('a password is asked for once for all hosts, and not shown', async t => {
	const {dir, hosts, servers} = await cliWithHosts(t, 3, {keys: [], password: 'hunter2'});
	const run = await cliInTerminal(t, dir, ['exec', ...common, '--hosts', hosts, '--', 'echo', 'done']);
	await run.waitFor(/Password for tester@127\.0\.0\.1:\d+, and all others that ask: /);
	run.type('hunter2\r');
	t.is(await run.exitCode, 0, run.shown);
	t.is(run.shown.match(/Password for/g)?.length, 1);
	t.is(run.shown.match(/\| \S*done/g)?.length, 3, run.shown);
	t.false(run.shown.includes('hunter2'));
	t.true(servers.every(({seen}) => seen.commands.length === 1));
});

terminalTest('a passphrase is asked for once', async t => {
	const key = generateKey('ed25519', 'open sesame');
	const {dir, hosts} = await cliWithHosts(t, 2, {keys: [key]});
	writeFileSync(join(dir, 'locked'), key.private);
	chmodSync(join(dir, 'locked'), 0o600);
	const argv = ['exec', ...common, '--identity', 'locked', '--hosts', hosts, '--', 'echo', 'done'];
	const run = await cliInTerminal(t, dir, argv);
	await run.waitFor('Passphrase of the private key for ');
	run.type('open sesame\r');
	t.is(await run.exitCode, 0, run.shown);
	t.is(run.shown.match(/Passphrase/g)?.length, 1);
});

terminalTest('a slip of the finger is asked about again', async t => {
	const {dir, hosts} = await cliWithHosts(t, 2, {keys: [], password: 'hunter2'});
	const run = await cliInTerminal(t, dir, ['exec', ...common, '--hosts', hosts, '--', 'true']);
	await run.waitFor('Password for');
	run.type('hunter3\r');
	await run.waitFor('That was refused. Password for');
	run.type('hunter2\r');
	t.is(await run.exitCode, 0, run.shown);
});

terminalTest('--ask asks before any host is tried', async t => {
	const {dir, hosts, servers} = await cliWithHosts(t, 2, {keys: [], password: 'hunter2'});
	const run = await cliInTerminal(t, dir, ['exec', ...common, '--ask', 'password', '--hosts', hosts, '--', 'true']);
	await run.waitFor('Password for all hosts: ');
	t.true(servers.every(({seen}) => seen.connections === 0));
	run.type('hunter2\r');
	t.is(await run.exitCode, 0, run.shown);
});

terminalTest('Ctrl-C at the question ends all with 130', async t => {
	const {dir, hosts} = await cliWithHosts(t, 2, {keys: [], password: 'hunter2'});
	const run = await cliInTerminal(t, dir, ['exec', ...common, '--hosts', hosts, '--', 'true']);
	await run.waitFor('Password for');
	run.type('\x03');
	t.is(await run.exitCode, 130, run.shown);
});

terminalTest('an empty answer leaves the refusals as they are', async t => {
	const {dir, hosts} = await cliWithHosts(t, 2, {keys: [], password: 'hunter2'});
	const run = await cliInTerminal(t, dir, ['exec', ...common, '--hosts', hosts, '--', 'true']);
	await run.waitFor('Password for');
	run.type('\r');
	t.is(await run.exitCode, 1, run.shown);
	t.regex(run.shown, /ERR_HOST_LOGIN/);
});

terminalTest('while a question is on the screen, what other hosts print is kept back', async t => {
	const {dir, names, servers} = await cliWithHosts(t, 1, {keys: [], password: 'hunter2'});
	const open = await startSshServer(t);
	const hosts = `${names[0]},127.0.0.1:${open.port}`;
	const run = await cliInTerminal(t, dir, [
		'exec',
		...common,
		'--hosts',
		hosts,
		'--',
		'sh',
		'-c',
		'sleep 0.3; echo done',
	]);
	await run.waitFor('and all others that ask: ');
	const asked = run.shown.length;
	while (open.seen.commands.length === 0) await sleep(20);
	await sleep(1000);
	t.is(run.shown.slice(asked), '');
	run.type('hunter2\r');
	t.is(await run.exitCode, 0, run.shown);
	t.is(run.shown.match(/\| \S*done/g)?.length, 2, run.shown);
	t.is(servers[0]!.seen.commands.length, 1);
});
