import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';

test('a command has our stdin, stdout, stderr and gives its exit code', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	const script = 'cat; echo err >&2; exit 42';
	const result = await run(['ssh', ...login, names[0]!, 'sh', '-c', script], {input: Buffer.from('a\0\xff', 'latin1')});
	t.deepEqual(result.stdoutBytes, Buffer.from('a\0\xff', 'latin1'));
	t.regex(result.stderr, /err\n$/);
	t.is(result.exitCode, 42);
});

test('without a command and without a terminal, a shell reads stdin', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	const result = await run(['ssh', ...login, names[0]!], {input: 'echo $((6 * 7)); exit 3\n'});
	t.regex(result.stdout, /^42$/m);
	t.is(result.exitCode, 3);
});

test('a signal that ends the command is 128 and its number', async t => {
	const {run, names, login} = await cliWithHosts(t, 1);
	t.is((await run(['ssh', ...login, names[0]!, '--', 'sh', '-c', 'kill -TERM $$'])).exitCode, 143);
});

test('no connection is 255, and so is one that breaks', async t => {
	const {run, names, login, servers} = await cliWithHosts(t, 1, {
		onExec: (_line, _channel, connection) => void setTimeout(() => connection.end(), 50),
	});
	const lost = await run(['ssh', ...login, names[0]!, 'true']);
	t.is(lost.exitCode, 255);
	t.regex(lost.stderr, /^error: 127\.0\.0\.1: .*\[ERR_HOST_/m);
	await servers[0]!.close();
	const closed = await run(['ssh', ...login, names[0]!, 'true']);
	t.is(closed.exitCode, 255);
	t.regex(closed.stderr, /ERR_HOST_UNREACHABLE/);
});

const refuses = test.macro({
	async exec(t, argv: string[], stderr: RegExp) {
		const result = await cliIn(t).run(['ssh', ...argv]);
		t.is(result.exitCode, 2, result.stderr);
		t.regex(result.stderr, stderr);
	},
	title: (_, argv: string[]) => `ssh ${argv.join(' ')} is refused`,
});

test(refuses, [], /ssh needs HOST/);
test(refuses, ['10.0.0.1-3'], /reaches one host/);
test(refuses, ['-t', '10.0.0.1', 'top'], /needs a terminal/);
test(refuses, ['10.0.0.0/8'], /ERR_HOST_INVALID/);
