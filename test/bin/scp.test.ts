import {existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';
import {tempDir} from '../helpers/temp-dir.js';

interface Outcome {
	readonly host: string;
	readonly ok: boolean;
	readonly files: number;
	readonly sizeBytes: number;
	readonly movedBytes: number;
}

// Every host is this machine: what goes to several of them meets in one folder, so uploads are tried with one.
test('files and folders go to a host, and what is there is not sent again', async t => {
	const {run, names, login, dir} = await cliWithHosts(t, 1);
	const there = tempDir(t);
	mkdirSync(join(dir, 'site'));
	writeFileSync(join(dir, 'site/index'), 'hello', {mode: 0o640});
	symlinkSync('index', join(dir, 'site/link'));
	writeFileSync(join(dir, 'conf'), 'x'.repeat(100));
	const argv = ['scp', ...login, '--no-sudo', '--hosts', names[0]!, '--output', 'json'];
	const first = await run([...argv, 'conf', 'site', `:${there}`]);
	t.is(first.exitCode, 0, first.stderr);
	t.is(readFileSync(join(there, 'conf'), 'utf8').length, 100);
	t.is(readFileSync(join(there, 'site/link'), 'utf8'), 'hello');
	t.is(statSync(join(there, 'site/index')).mode & 0o777, 0o640);
	const [outcome] = JSON.parse(first.stdout) as Outcome[];
	t.like(outcome, {ok: true, files: 3, sizeBytes: 105});
	await run([...argv, 'site/', `:${there}/flat`]);
	t.true(existsSync(join(there, 'flat/index')));
	await run([...argv, '--mode', '0600', 'conf', `:${there}/other`]);
	t.is(statSync(join(there, 'other')).mode & 0o777, 0o600);
});

test('from several hosts each has a folder of its own, from one there is none', async t => {
	const {run, hosts, names, login, dir} = await cliWithHosts(t, 2);
	const there = tempDir(t);
	writeFileSync(join(there, 'syslog'), 'lines');
	mkdirSync(join(there, 'more'));
	writeFileSync(join(there, 'more/a'), 'a');
	const argv = ['scp', ...login, '--no-sudo', '-q'];
	const many = await run([...argv, '--hosts', hosts, `:${there}/syslog`, `:${there}/more`, 'logs']);
	t.is(many.exitCode, 0, many.stderr);
	for (const name of names) {
		t.is(readFileSync(join(dir, 'logs', name, 'syslog'), 'utf8'), 'lines');
		t.is(readFileSync(join(dir, 'logs', name, 'more/a'), 'utf8'), 'a');
	}
	await run([...argv, '--port', String(names[0]!.split(':')[1]), `127.0.0.1:${there}/syslog`, 'copy']);
	t.is(readFileSync(join(dir, 'copy'), 'utf8'), 'lines');
	await run([...argv, '--port', String(names[0]!.split(':')[1]), `127.0.0.1:${there}/more/`, 'contents']);
	t.is(readFileSync(join(dir, 'contents/a'), 'utf8'), 'a');
});

test('a host that fails does not hide the others', async t => {
	const {run, names, login, servers, dir} = await cliWithHosts(t, 2);
	const there = tempDir(t);
	writeFileSync(join(dir, 'a'), 'a');
	await servers[1]!.close();
	const result = await run(['scp', ...login, '--no-sudo', '--hosts', names.join(','), 'a', `:${there}/`]);
	t.is(result.exitCode, 3);
	t.is(readFileSync(join(there, 'a'), 'utf8'), 'a');
	t.regex(result.stderr, new RegExp(`^${names[1]} +ERR_HOST_UNREACHABLE`, 'm'));
	t.regex(result.stderr, /^failed on 1 of 2 hosts/m);
});

test('what is not on a host is said with its path', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	const result = await run(['scp', ...login, '--no-sudo', '--hosts', names[0]!, ':/no/such/file', 'here']);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, /127\.0\.0\.1: .*\/no\/such\/file/);
});

const refuses = test.macro({
	async exec(t, argv: string[], stderr: RegExp) {
		const result = await cliIn(t).run(['scp', ...argv]);
		t.is(result.exitCode, 2, result.stderr);
		t.regex(result.stderr, stderr);
	},
	title: (_, argv: string[]) => `scp ${argv.join(' ')} is refused`,
});

test(refuses, ['a', 'b'], /Neither source nor target/);
test(refuses, ['--mode', '9', 'a', 'h:'], /--mode/);
test(refuses, ['--owner', 'a b', 'a', 'h:'], /--owner/);
test(refuses, ['a', ':/tmp'], /ERR_HOSTS_MISSING/);
