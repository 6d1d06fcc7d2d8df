import test from 'ava';
import {hasCode} from '../../../lib/core/errors.js';
import {exec, execOk} from '../../../lib/runtime/transport/exec.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';

test('a command that takes too long is stopped', async t => {
	const host = createFakeHost().on('sleep', {hangs: true});
	const error = await t.throwsAsync(exec(host.transport, ['sleep', '9'], {timeoutMs: 20}));
	t.true(hasCode(error, 'ERR_COMMAND_TIMEOUT'));
	t.true(host.calls[0]?.ended.aborted);
	t.is(host.calls[0]?.status, undefined);
});

test('a command that writes too much is stopped', async t => {
	const transport = createLocalTransport();
	const error = await t.throwsAsync(exec(transport, ['cat', '/dev/zero'], {maxOutputBytes: 100_000}));
	t.true(hasCode(error, 'ERR_COMMAND_OUTPUT'));
});

test('a command that ends without reading its input is no failure', async t => {
	const {status} = await exec(createLocalTransport(), ['true'], {input: Buffer.alloc(5_000_000)});
	t.deepEqual(status, {code: 0});
});

test('an input that breaks off stops the command and is what the caller learns', async t => {
	const input = async function* () {
		yield Buffer.from('half');
		throw new Error('the disk broke');
	};
	const host = createFakeHost();
	await t.throwsAsync(exec(host.transport, ['cat'], {input: input()}), {message: 'the disk broke'});
	t.true(host.calls[0]?.ended.aborted);
});

test('execOk tells what a failed command wrote, cleaned of what moves a terminal', async t => {
	const host = createFakeHost().on('kubeadm', {code: 3, stderr: 'first\n\u001b[31mno\u0007 such node\n'});
	const error = await t.throwsAsync(execOk(host.transport, ['kubeadm', 'join', '--token', 'hush']));
	t.true(hasCode(error, 'ERR_COMMAND_FAILED'));
	t.is(error?.message, 'The command "kubeadm" ended with exit code 3: first;  [31mno  such node');
});

test('execOk gives the output of a command that succeeds', async t => {
	t.is((await execOk(createFakeHost().transport, ['echo', 'a', 'b'])).toString(), 'a b\n');
});

test('execOk tells by which signal a command was ended', async t => {
	const error = await t.throwsAsync(execOk(createLocalTransport(), ['sh', '-c', 'kill -KILL $$']));
	t.regex(error?.message ?? '', /was ended by signal KILL/);
});

test('a connection that is lost is told as such', async t => {
	const host = createFakeHost().on('apt-get', {stdout: 'half', lost: true});
	t.true(hasCode(await t.throwsAsync(exec(host.transport, ['apt-get', 'update'])), 'ERR_HOST_LOST'));
});
