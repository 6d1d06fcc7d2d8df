import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {openAgent} from '../../lib/runtime/agent/connection.js';
import {runAgentVerb} from '../../lib/runtime/agent/run-verb.js';
import {programTransport} from '../helpers/program-transport.js';
import {tempDir} from '../helpers/temp-dir.js';

const program = join(process.cwd(), '.build/bin/agent.js');

test('the agent says its version, and how it is used when it is used wrongly', t => {
	t.regex(
		execFileSync(process.execPath, [program, '--version']).toString(),
		/^sealimage-agent \d\S+, protocol 1, linux\//,
	);
	for (const args of [[], ['--root'], ['a', 'b'], ['--x']]) {
		const {status, stderr} = spawnSync(process.execPath, [program, ...args], {input: ''});
		t.is(status, 2, args.join(' '));
		t.regex(stderr.toString(), /^usage: sealimage-agent/);
	}
});

test('one verb runs with params from its input or a file, and its exit code says how it went', t => {
	const run = (args: readonly string[], input = ''): {status: number | null; lines: unknown[]} => {
		const {status, stdout} = spawnSync(process.execPath, [program, ...args], {input});
		return {
			status,
			lines: stdout
				.toString()
				.split('\n')
				.filter(Boolean)
				.map(line => JSON.parse(line) as unknown),
		};
	};
	const params = join(tempDir(t), 'params.json');
	writeFileSync(params, '{"folder":"/etc"}');
	const {status, lines} = run(['activate', '--params', params]);
	t.is(status, 1);
	t.is(lines.length, 2);
	t.like(lines[1], {id: 0, error: {code: 'ERR_USAGE'}});
	t.like(run(['self']).lines[1], {id: 0, result: {node: process.versions.node, native: 'ok', netlink: {route: 'ok'}}});
	t.like(run(['self'], '{"not": json\n').lines[1], {id: 0, error: {code: 'ERR_USAGE'}});
	t.like(run(['nothing']).lines[1], {id: 0, error: {code: 'ERR_AGENT_VERB'}});
	t.is(run(['self']).status, 0);
});

test('a session with the program answers facts, and ends when its input does', async t => {
	const agent = await openAgent(programTransport([process.execPath, program, 'session']));
	const facts = (await agent.call('facts', {paths: ['/']})) as {kernel: {release: string}};
	t.is(facts.kernel.release, execFileSync('uname', ['-r']).toString().trim());
	const error = await t.throwsAsync(agent.call('facts', {nonsense: []}));
	t.like(error, {code: 'ERR_USAGE', host: 'box'});
	await agent.close();
});

test('a verb that runs alone gives its result to the caller', async t => {
	const result = await runAgentVerb(programTransport([process.execPath, program, 'self']), 'self', null);
	t.like(result, {node: process.versions.node});
	const missing = runAgentVerb(programTransport([process.execPath, program, 'nothing']), 'nothing', null);
	t.like(await t.throwsAsync(missing), {code: 'ERR_AGENT_VERB', host: 'box'});
});

const ended = test.macro(async (t: ExecutionContext, end: (child: ChildProcess) => void, code: number | null) => {
	const child = spawn(process.execPath, [program, 'session'], {stdio: ['pipe', 'pipe', 'inherit']});
	const exit = new Promise<number | null>(resolve => child.on('close', resolve));
	await new Promise(resolve => child.stdout.once('data', resolve));
	end(child);
	t.is(await Promise.race([exit, sleep(20_000, 'late' as const)]), code);
});
test('the end of its input ends the agent', ended, child => child.stdin?.end(), 0);
test('SIGTERM ends the agent', ended, child => child.kill('SIGTERM'), 0);
test('SIGHUP ends the agent', ended, child => child.kill('SIGHUP'), 0);
test(
	'a reader that went away ends the agent',
	ended,
	child => {
		child.stdout?.destroy();
		child.stdin?.write('{"id":1,"verb":"self"}\n{"id":2,"verb":"self"}\n');
	},
	0,
);
