import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import {type ExecOnHostsOptions, execOnHosts} from '../../../lib/runtime/host/exec.js';
import {parseHostList, resolveHosts} from '../../../lib/runtime/host/list.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';

const hosts = resolveHosts(parseHostList('a,b,c'));

/** Every host is this machine; its name is in the environment of the command. */
async function run(script: string, options: ExecOnHostsOptions = {}) {
	const output = new Map<string, Buffer>();
	const outcomes = await execOnHosts(hosts, target => createLocalTransport({host: target.name}), ['sh', '-c', script], {
		onOutput(host, stream, chunk) {
			const key = `${host} ${stream}`;
			output.set(key, Buffer.concat([output.get(key) ?? Buffer.alloc(0), chunk]));
		},
		as: 'login',
		...options,
	});
	return {outcomes, output};
}

test('output comes byte for byte, stdout and stderr apart', async t => {
	const {outcomes, output} = await run(String.raw`printf 'a\000\377\n'; printf 'b' >&2`);
	t.true(outcomes.every(({ok}) => ok));
	for (const {name} of hosts) {
		t.deepEqual(output.get(`${name} stdout`), Buffer.from('a\0\xff\n', 'latin1'));
		t.deepEqual(output.get(`${name} stderr`), Buffer.from('b'));
	}
});

test('an exit code is the failure of its host, with the end of stderr', async t => {
	const {outcomes} = await run('echo first >&2; echo last >&2; exit 3');
	for (const outcome of outcomes) {
		t.false(outcome.ok);
		if (outcome.ok || !isSealError(outcome.error)) continue;
		t.is(outcome.error.code, 'ERR_COMMAND_FAILED');
		t.like(outcome.error.details, {host: outcome.host, code: 3});
		t.regex(outcome.error.message, /exit code 3.*last/);
	}
});

test('a command that is not there has a hint', async t => {
	const [outcome] = (await run('exec no-such-command-anywhere')).outcomes;
	t.true(outcome?.ok === false && isSealError(outcome.error) && outcome.error.hint?.includes('installed') === true);
});

test('every host reads all of the input', async t => {
	const input = Buffer.alloc(300_000, 'x');
	const {output} = await run('wc -c', {
		input: async function* () {
			yield input;
		},
	});
	for (const {name} of hosts) t.is(output.get(`${name} stdout`)?.toString().trim(), '300000');
});

test('a command that reads nothing is not hurt by input', async t => {
	const {outcomes} = await run('true', {
		input: async function* () {
			for (let i = 0; i < 100; i++) yield Buffer.alloc(65_536);
		},
	});
	t.true(outcomes.every(({ok}) => ok));
});

test('a command that takes too long is stopped on its host and fails there', async t => {
	const [outcome] = (await run('echo begun; sleep 300', {timeoutMs: 300})).outcomes;
	t.true(outcome?.ok === false && isSealError(outcome.error) && outcome.error.code === 'ERR_COMMAND_TIMEOUT');
});

test('an abort stops the commands on all hosts', async t => {
	const controller = new AbortController();
	const reason = new Error('stop');
	const pids: number[] = [];
	const running = run('echo $$; sleep 300 & wait', {
		signal: controller.signal,
		onOutput(_host, _stream, chunk) {
			pids.push(Number(chunk.toString()));
			if (pids.length === 3) controller.abort(reason);
		},
	});
	t.is(await t.throwsAsync(running), reason);
	for (const pid of pids) await t.notThrowsAsync(ended(pid));
});

test('a reader that is slow slows the commands', async t => {
	let readBytes = 0;
	const {outcomes} = await run('head -c 2000000 /dev/zero', {
		concurrency: 1,
		async onOutput(_host, _stream, chunk) {
			await sleep(0);
			readBytes += chunk.length;
		},
	});
	t.true(outcomes.every(({ok}) => ok));
	t.is(readBytes, 6_000_000);
});

async function ended(pid: number): Promise<void> {
	for (let i = 0; i < 100; i++) {
		try {
			process.kill(-pid, 0);
		} catch {
			return;
		}
		await sleep(50);
	}
	throw new Error(`the process group ${pid} still runs`);
}
