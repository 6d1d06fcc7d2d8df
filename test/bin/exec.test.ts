import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import test from 'ava';
import {cliIn, cliPath} from '../helpers/run-cli.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';

test('every line has its host in front, and a line that counts comes last', async t => {
	const {run, hosts, names, login} = await cliWithHosts(t, 3);
	const script = 'echo out; echo err >&2';
	const result = await run(['exec', ...login, '--no-sudo', '--hosts', hosts, '--', 'sh', '-c', script]);
	t.is(result.exitCode, 0, result.stderr);
	t.deepEqual(result.stdout.trimEnd().split('\n').toSorted(), names.map(name => `${name} | out`).toSorted());
	for (const name of names) t.true(result.stderr.includes(`${name} ! err\n`));
	t.regex(result.stderr, /^ok 3 hosts, [\d.]+s$/m);
	t.regex(readFileSync(join(login[3]!, '../.ssh/known_hosts'), 'utf8'), /ssh-ed25519/, 'new keys are recorded');
});

test('when some hosts fail the exit code is 3, and one table says which and why', async t => {
	const {run, names, login, servers} = await cliWithHosts(t, 3);
	await servers[1]!.close();
	const script = `case $(cat) in *) exit 0;; esac`;
	const argv = ['exec', ...login, '--no-sudo', '--hosts', names.join(','), 'sh', '-c', script];
	const some = await run(argv);
	t.is(some.exitCode, 3);
	t.regex(some.stderr, /^HOST +ERROR +WHAT HAPPENED$/m);
	t.regex(some.stderr, new RegExp(`^${names[1]} +ERR_HOST_UNREACHABLE +Port .* is closed`, 'm'));
	t.regex(some.stderr, /^hint: /m);
	t.regex(some.stderr, /^failed on 1 of 3 hosts/m);
	const all = await run(['exec', ...login, '--no-sudo', '--hosts', names.join(','), '--', 'sh', '-c', 'exit 5']);
	t.is(all.exitCode, 1);
	t.regex(all.stderr, /ERR_COMMAND_FAILED +The command "sh" ended with exit code 5/);
});

test('a single host that fails is told as any other error', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	const result = await run(['exec', ...login, '--no-sudo', '--hosts', names[0]!, 'false']);
	t.is(result.exitCode, 1);
	t.is(
		result.stderr.split('\n').find(line => line.startsWith('error')),
		'error: 127.0.0.1: The command "false" ended with exit code 1 [ERR_COMMAND_FAILED]',
	);
	t.notRegex(result.stderr, /HOST +ERROR/);
});

test('--output json prints a line for each line, each host and the whole', async t => {
	const {run, hosts, names, login} = await cliWithHosts(t, 2);
	const script = String.raw`printf 'one\n\377\n'; echo two >&2; exit 4`;
	const result = await run([
		'exec',
		...login,
		'--no-sudo',
		'--output',
		'json',
		'--hosts',
		hosts,
		'--',
		'sh',
		'-c',
		script,
	]);
	t.is(result.exitCode, 1);
	const lines = result.stdout
		.trimEnd()
		.split('\n')
		.map(line => JSON.parse(line) as Record<string, unknown>);
	t.deepEqual(
		lines
			.filter(({type, host}) => type === 'output' && host === names[0])
			.map(({stream, text, base64}) => [stream, text ?? base64])
			.toSorted(),
		[
			['stderr', 'two'],
			['stdout', '/w=='],
			['stdout', 'one'],
		],
	);
	const ended = lines.filter(({type}) => type === 'host');
	t.deepEqual(ended.map(({host}) => host).toSorted(), names.toSorted());
	t.like(ended[0]?.error, {code: 'ERR_COMMAND_FAILED', details: {code: 4}});
	t.like(lines.at(-1), {type: 'summary', hosts: 2});
	t.deepEqual(new Set(lines.at(-1)?.failed as string[]), new Set(names));
});

test('hosts come from files, Clusterfiles by path and by name, and roles choose among them', async t => {
	const {run, names, login, dir} = await cliWithHosts(t, 2);
	writeFileSync(join(dir, 'hosts'), `# rack 1\n${names[0]} # first\n${names[1]}\n`);
	const on = async (...flags: string[]): Promise<readonly string[]> => {
		const result = await run(['exec', ...login, '--no-sudo', '--output', 'json', ...flags, '--', 'true']);
		t.is(result.exitCode, 0, result.stderr);
		const lines = result.stdout
			.trimEnd()
			.split('\n')
			.map(line => JSON.parse(line) as {type: string; host: string});
		return lines
			.filter(({type}) => type === 'host')
			.map(({host}) => host)
			.toSorted();
	};
	const sorted = names.toSorted();
	t.deepEqual(await on('--hosts-file', 'hosts'), sorted);
	t.deepEqual(await on('--masters', names[0]!, '--nodes', names[1]!, '--roles', 'node'), [names[1]!]);
	const cluster = `kind: Cluster\nspec: {ssh: {user: other, pk: /not/there}, hosts: [{ips: ["${names[0]}"], roles: [master]}, {ips: ["${names[1]}"], roles: [node]}]}\n`;
	writeFileSync(join(dir, 'Clusterfile'), cluster);
	mkdirSync(join(dir, '.sealos/prod'), {recursive: true});
	writeFileSync(join(dir, '.sealos/prod/Clusterfile'), cluster);
	t.deepEqual(await on('--cluster', 'Clusterfile'), sorted);
	t.deepEqual(await on('--cluster', 'prod', '--roles', 'master'), [names[0]!]);
});

test('passwords come from files and the environment, and a wrong one is no secret told', async t => {
	const {run, hosts, dir} = await cliWithHosts(t, 2, {keys: []});
	writeFileSync(join(dir, 'password'), 'right\n', {mode: 0o600});
	const base = ['exec', '--user', 'tester', '--no-agent', '--ssh-config', 'none', '--no-sudo', '--hosts', hosts];
	t.is((await run([...base, '--password-file', 'password', 'true'])).exitCode, 0);
	t.is((await run([...base, 'true'], {env: {SEALIMAGE_SSH_PASSWORD: 'right'}})).exitCode, 0);
	const wrong = await run([...base, 'true'], {env: {SEALIMAGE_SSH_PASSWORD: 'wr0ng!'}});
	t.is(wrong.exitCode, 1);
	t.regex(wrong.stderr, /ERR_HOST_PASSWORD/);
	t.false(wrong.stderr.includes('wr0ng!'));
	const none = await run([...base, 'true']);
	t.regex(none.stderr, /ERR_HOST_LOGIN/);
	writeFileSync(join(dir, 'open'), 'right\n', {mode: 0o644});
	t.regex(
		(await run([...base, '--password-file', 'open', 'true'])).stderr,
		/open can be read by others.*\n.*chmod 600/,
	);
});

test('a secret of the environment is not handed on to what runs on this machine', async t => {
	const argv = ['exec', '--hosts', 'local', '--no-sudo', '--', 'sh', '-c', 'env; echo end'];
	const result = await cliIn(t).run(argv, {env: {SEALIMAGE_SUDO_PASSWORD: 'hunter2'}});
	t.regex(result.stdout, /local \| end/);
	t.false(result.stdout.includes('hunter2'));
});

test('--stdin reaches every host, without it commands read nothing', async t => {
	const {run, hosts, names, login} = await cliWithHosts(t, 2);
	const argv = ['exec', ...login, '--no-sudo', '--hosts', hosts];
	const given = await run([...argv, '--stdin', 'cat'], {input: 'line\n'});
	t.deepEqual(given.stdout.trimEnd().split('\n').toSorted(), names.map(name => `${name} | line`).toSorted());
	t.is((await run([...argv, 'cat'], {input: 'line\n'})).stdout, '');
});

test('a single host without prefix is byte for byte', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	const script = String.raw`printf 'a\000\033[2J\377'`;
	const {stdoutBytes} = await run([
		'exec',
		...login,
		'--no-sudo',
		'--no-prefix',
		'-q',
		'--hosts',
		names[0]!,
		'--',
		'sh',
		'-c',
		script,
	]);
	t.deepEqual(stdoutBytes, Buffer.from('a\0\x1b[2J\xff', 'latin1'));
});

test('Ctrl-C stops the command on every host and exits with 130', async t => {
	const {hosts, login, dir} = await cliWithHosts(t, 3);
	const child = spawn(
		process.execPath,
		[
			cliPath,
			'exec',
			...login,
			'--no-sudo',
			'--no-prefix',
			'--hosts',
			hosts,
			'--',
			'sh',
			'-c',
			'echo $$; sleep 300 & wait',
		],
		{cwd: dir, env: {PATH: process.env.PATH, HOME: dir}, stdio: ['ignore', 'pipe', 'pipe']},
	);
	t.teardown(() => child.kill('SIGKILL'));
	let stderr = '';
	child.stderr.on('data', chunk => {
		stderr += String(chunk);
	});
	const groups: number[] = [];
	for await (const line of createInterface(child.stdout)) {
		groups.push(Number(line));
		if (groups.length === 3) break;
	}
	child.kill('SIGINT');
	t.deepEqual(await once(child, 'close'), [130, null]);
	t.regex(stderr, /0 of 3 hosts had ended/);
	for (const group of groups) t.true(await isGone(group), `the process group ${group} still runs`);
});

test('when one host hangs, Ctrl-C still tells of the others', async t => {
	const {hosts, names, login, dir} = await cliWithHosts(t, 3);
	writeFileSync(join(dir, 'first'), '');
	// The first that takes the file hangs; the others fail.
	const script = 'if rm first 2>/dev/null; then echo hangs; sleep 300; else echo same; exit 3; fi';
	const argv = [
		'exec',
		...login,
		'--no-sudo',
		'--cwd',
		dir,
		'--group',
		'--hosts',
		hosts,
		'--progress',
		'json',
		'--',
		'sh',
		'-c',
		script,
	];
	const child = spawn(process.execPath, [cliPath, ...argv], {
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir},
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	let [stdout, stderr] = ['', ''];
	child.stdout.on('data', chunk => {
		stdout += String(chunk);
	});
	child.stderr.on('data', chunk => {
		stderr += String(chunk);
		if (/"doneHosts":2/.test(stderr) && !child.killed) child.kill('SIGINT');
	});
	t.deepEqual(await once(child, 'close'), [130, null]);
	t.regex(stdout, /^127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+:\n {2}same\n$/);
	t.is(stderr.match(/ERR_COMMAND_FAILED +The command "sh" ended with exit code 3/g)?.length, 2);
	t.regex(stderr, /^2 of 3 hosts had ended, not 127\.0\.0\.1:\d+$/m);
	t.true(names.some(name => stderr.includes(`not ${name}\n`)));
});

async function isGone(group: number): Promise<boolean> {
	for (let i = 0; i < 200; i++) {
		try {
			process.kill(-group, 0);
		} catch {
			return true;
		}
		await new Promise(resolve => {
			setTimeout(resolve, 50);
		});
	}
	return false;
}

const refuses = test.macro({
	async exec(t, argv: string[], stderr: RegExp) {
		const result = await cliIn(t).run(['exec', ...argv]);
		t.is(result.exitCode, 2, result.stderr);
		t.regex(result.stderr, stderr);
		t.regex(result.stderr, /^hint: /m);
	},
	title: (_, argv: string[]) => `exec ${argv.join(' ')} is refused before anything is done`,
});

test(refuses, ['--hosts', 'a'], /exec needs COMMAND/);
test(refuses, ['true'], /No host was named.*ERR_HOSTS_MISSING/);
test(refuses, ['--hosts', '10.0.0.5-10.0.0.2', 'true'], /ends before it begins.*ERR_HOST_RANGE/);
test(refuses, ['--hosts', '10.0.0.0/8', 'true'], /ERR_HOST_INVALID/);
test(refuses, ['--hosts', 'a,b', '--hosts', 'a', 'true'], /ERR_HOST_DUPLICATE/);
test(refuses, ['--hosts', 'a', '--roles', 'master', 'true'], /No host has the role "master".*ERR_HOSTS_MISSING/);
test(refuses, ['--cluster', 'prod', 'true'], /no file "prod", and no cluster of this name is known.*ERR_CLUSTERFILE/);
test(refuses, ['--hosts', 'a', '--ask', 'password', 'true'], /no terminal to ask/);
test(refuses, ['--hosts', 'a', '--timeout', 'soon', 'true'], /--timeout/);
