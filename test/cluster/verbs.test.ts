import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {cliInTerminal} from '../helpers/pty-cli.js';
import {type Cli, cliIn} from '../helpers/run-cli.js';
import {tempDir} from '../helpers/temp-dir.js';
import {crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['verbs-a', 'verbs-b']);

const asOps = {env: {SEALIMAGE_SSH_PASSWORD: 'sealimage'}};

labTest('a user with sudo is root on all hosts with one password', async (t, hosts) => {
	const cli = cliIn(t);
	const result = await cli.run(
		['exec', '--user', 'ops', '--hosts', list(hosts), '--', 'sh', '-c', 'id -un; hostname'],
		asOps,
	);
	t.is(result.exitCode, 0, result.stderr);
	for (const {address, name} of hosts) {
		t.true(result.stdout.includes(`${address} | root\n`));
		t.true(result.stdout.includes(`${address} | ${name}\n`));
	}
	const login = await cli.run(['exec', '--user', 'ops', '--no-sudo', '--hosts', list(hosts), '--', 'id', '-un'], asOps);
	t.is(login.stdout.match(/ \| ops$/gm)?.length, 2);
});

labTest('a shell has our window, follows it, takes every key, and gives its exit code', async (t, [host]) => {
	const run = await cliInTerminal(t, tempDir(t), ['ssh', '--identity', host.keyFile, `root@${host.address}`]);
	await run.waitFor('# ');
	run.type('stty size\r');
	await run.waitFor('30 100');
	run.resize(77, 20);
	for (let size: string | undefined; size !== '20 77'; size = run.shown.match(/\d+ \d+(?=\r)/g)?.at(-1)) {
		run.type('stty size\r');
		await run.waitFor(/\d+ \d+\r/);
	}
	run.type('echo sleeps-$((1 + 1)); sleep 1000; echo interrupted=$?\r');
	await run.waitFor('sleeps-2');
	run.type('\x03');
	await run.waitFor('# ');
	run.type('echo still-$((1 + 1))\r');
	await run.waitFor('still-2');
	run.type('exit 7\r');
	t.is(await run.exitCode, 7);
});

labTest('a shell of root comes through sudo, with a password from the terminal', async (t, [host]) => {
	const run = await cliInTerminal(t, tempDir(t), ['ssh', '--sudo', `ops@${host.address}`]);
	await run.waitFor(/Password for ops@.*: /);
	run.type('sealimage\r');
	await run.waitFor('# ');
	run.type('echo me=$(id -un); tty\r');
	await run.waitFor('me=root');
	await run.waitFor('/dev/pts/');
	// Before the prompt the terminal is still as the command had it, and the end of input would be a NUL to the shell that comes back.
	await run.waitFor('# ');
	run.type('\x04');
	t.is(await run.exitCode, 0, run.shown);
});

labTest('a connection that breaks under a full-screen program leaves the terminal in order', async (t, [host]) => {
	const run = await cliInTerminal(t, tempDir(t), [
		'ssh',
		'-t',
		'--identity',
		host.keyFile,
		`root@${host.address}`,
		'sh',
		'-c',
		'printf "\\033[?1049h\\033[?25lready"; sleep 1000',
	]);
	await run.waitFor('ready');
	// The connection that says so goes, too.
	t.throws(() => onHost(host.name, 'pkill -KILL -f "sshd-session: root"'));
	t.is(await run.exitCode, 255, run.shown);
	t.regex(run.shown, /\x1b\[\?1049l\x1b\[\?25h\x1b\[0m[\s\S]*ERR_HOST_/);
});

labTest('~. ends a connection to a host that answers no more', async (t, [, host]) => {
	const run = await cliInTerminal(t, tempDir(t), ['ssh', '--identity', host.keyFile, `root@${host.address}`]);
	await run.waitFor('# ');
	run.type('echo sleeps-$((1 + 1)); sleep 1000\r');
	await run.waitFor('sleeps-2');
	run.type('~.');
	t.is(await run.exitCode, 255, run.shown);
	t.regex(run.shown, /ended by ~\./);
});

labTest('Ctrl-C stops the command on every host', async (t, hosts) => {
	const run = await cliInTerminal(t, tempDir(t), [
		'exec',
		...key(hosts),
		'--hosts',
		list(hosts),
		'--',
		'sh',
		'-c',
		'echo began; sleep 4321',
	]);
	await run.waitFor('began');
	await run.waitFor('began');
	run.type('\x03');
	t.is(await run.exitCode, 130, run.shown);
	for (const {name} of hosts)
		t.true(await becomesTrue(() => onHost(name, 'pgrep -f "[s]leep 4321" || true').trim() === ''));
});

labTest('files go to all hosts as root, and come back into a folder for each', async (t, hosts) => {
	const cli = cliIn(t);
	const sent = await copyBoth(cli, hosts);
	t.regex(sent, /^ok 2 hosts, 2 files/m);
	for (const {address, name} of hosts) {
		t.is(readFileSync(`${cli.dir}/back/${address}/hostname`, 'utf8').trim(), name);
		t.is(onHost(name, 'stat -c "%U %a" /etc/sealimage-test').trim(), 'ops 600');
	}
});

labTest('a power cut of one host is its failure alone', async (t, hosts) => {
	t.timeout(120_000);
	const argv = ['exec', ...key(hosts), '--hosts', list(hosts), '--', 'sh', '-c', 'echo began; sleep 5; echo ended'];
	const run = await cliInTerminal(t, tempDir(t), argv);
	await run.waitFor('began');
	await run.waitFor('began');
	crash(hosts[1].name);
	t.is(await run.exitCode, 3, run.shown);
	t.regex(run.shown, new RegExp(`${hosts[0].address} \\| \\S*ended`));
	t.regex(run.shown, new RegExp(`${hosts[1].address} +ERR_HOST_LOST`));
});

async function copyBoth(cli: Cli, hosts: readonly LabHost[]): Promise<string> {
	const login = ['--user', 'ops', '--hosts', list(hosts)];
	writeFileSync(join(cli.dir, 'file'), 'secret');
	const up = await cli.run(['scp', ...login, '--mode', '600', '--owner', 'ops', 'file', ':/etc/sealimage-test'], asOps);
	const down = await cli.run(['scp', ...login, ':/etc/hostname', 'back'], asOps);
	return `${up.stderr}${down.exitCode === 0 ? '' : down.stderr}`;
}

function list(hosts: readonly LabHost[]): string {
	return hosts.map(({address}) => address).join(',');
}

function key([host]: readonly LabHost[]): readonly string[] {
	return ['--user', 'root', '--identity', host!.keyFile];
}

async function becomesTrue(check: () => boolean): Promise<boolean> {
	for (let i = 0; i < 50; i++) {
		if (check()) return true;
		await sleep(200);
	}
	return false;
}
