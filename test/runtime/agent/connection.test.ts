import {PassThrough, Readable} from 'node:stream';
import test, {type ExecutionContext} from 'ava';
import type {ErrorCode} from '../../../lib/core/codes.js';
import {isSealError} from '../../../lib/core/errors.js';
import {openAgent} from '../../../lib/runtime/agent/connection.js';
import {agentProtocol} from '../../../lib/runtime/agent/protocol.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import type {RemoteProcess} from '../../../lib/runtime/transport/transport.js';
import {programTransport} from '../../helpers/program-transport.js';

const hello = JSON.stringify({hello: {protocol: agentProtocol, version: '1.0.0', platform: 'linux/amd64'}});

test('what a login shell prints before the hello is passed over, also without a newline', async t => {
	const agent = await openAgent(
		shell(`printf 'Welcome!\\n{"not": "it"}\\nlast login'; printf '\\n${hello}\\n'; cat >/dev/null`),
	);
	t.deepEqual(agent.identity, {protocol: agentProtocol, version: '1.0.0', platform: 'linux/amd64'});
	await agent.close();
});

const refused = test.macro(async (t: ExecutionContext, script: string, code: ErrorCode, message: RegExp) => {
	const error = await t.throwsAsync(openAgent(shell(script), {timeoutMs: 5000}));
	t.true(error instanceof HostError);
	t.is((error as HostError).host, 'box');
	t.is((error as HostError).code, code, error?.message);
	t.regex(error!.message, message);
});
test('no agent is told as that', refused, 'exit 127', 'ERR_AGENT_MISSING', /There is no agent at/);
test(
	'an agent of another protocol is refused',
	refused,
	`echo '{"hello":{"protocol":99,"version":"9.0","platform":"x"}}'; sleep 9`,
	'ERR_AGENT_PROTOCOL',
	/version 9\.0.*protocol 99, expected 1/,
);
test(
	'an older agent is refused',
	refused,
	`echo '{"hello":{"protocol":0,"version":"0.1","platform":"x"}}'; sleep 9`,
	'ERR_AGENT_PROTOCOL',
	/protocol 0, expected 1/,
);
test(
	'a hello without a version is refused',
	refused,
	`echo '{"hello":{"protocol":1}}'; sleep 9`,
	'ERR_AGENT_PROTOCOL',
	/who it is/,
);
test(
	'an agent that lacks a library says which',
	refused,
	'echo "node: error while loading shared libraries: libstdc++.so.6: cannot open" >&2; exit 127',
	'ERR_AGENT_LIBRARY',
	/libstdc\+\+/,
);
test(
	'an agent that dies tells why',
	refused,
	'echo "Cannot find module" >&2; exit 3',
	'ERR_AGENT_START',
	/exit code 3.*Cannot find module/,
);
test(
	'what an agent says on stderr cannot drive the terminal',
	refused,
	`printf '\\033]0;owned\\007\\n' >&2; exit 3`,
	'ERR_AGENT_START',
	/: \]0;owned$/,
);
test('a host that prints without end is refused', refused, 'yes', 'ERR_AGENT_PROTOCOL', /on and on/);
test('a host that prints one endless line is refused', refused, 'yes | tr -d "\\n"', 'ERR_AGENT_LIMIT', /longer than/);

test('an agent that does not answer is given up after a time', async t => {
	const error = await t.throwsAsync(openAgent(shell('exec sleep 60'), {timeoutMs: 100}));
	t.is(isSealError(error) && error.code, 'ERR_AGENT_START');
});

const broken = test.macro(async (t: ExecutionContext, script: string, code: ErrorCode) => {
	const agent = await openAgent(shell(`echo '${hello}'; read line; ${script}`));
	const [first, second] = await Promise.allSettled([agent.call('x', 1), agent.call('y', 2)]);
	t.is(first.status === 'rejected' && isSealError(first.reason) && first.reason.code, code);
	t.is(second.status, 'rejected');
	const later = await t.throwsAsync(agent.call('z', 3));
	t.is(isSealError(later) && later.code, code);
	await agent.close();
});
test('an agent that dies rejects all calls', broken, 'kill -9 $$', 'ERR_AGENT_LOST');
test('an agent that ends rejects all calls', broken, 'exit 0', 'ERR_AGENT_LOST');
test(
	'an answer to what was not asked ends the session',
	broken,
	`echo '{"id":77,"result":1}'; cat`,
	'ERR_AGENT_PROTOCOL',
);
test('an event of nothing ends the session', broken, `echo '{"id":77,"event":1}'; cat`, 'ERR_AGENT_PROTOCOL');
test('a second hello ends the session', broken, `echo '${hello}'; cat`, 'ERR_AGENT_PROTOCOL');
test('a line that is no reply ends the session', broken, 'echo nonsense; cat', 'ERR_AGENT_PROTOCOL');
test('a reply without an end ends the session', broken, 'yes | tr -d "\\n"', 'ERR_AGENT_LIMIT');
test(
	'the fatal word of an agent is what all calls get',
	broken,
	`echo '{"fatal":{"code":"ERR_NO_SPACE","message":"full"}}'; cat`,
	'ERR_NO_SPACE',
);

test('a connection that is lost is told as that, not as the stream that broke with it', async t => {
	const stdout = new PassThrough();
	let lose: (reason: unknown) => void = () => undefined;
	const exit = new Promise<never>((_, reject) => {
		lose = reject;
	});
	const running: RemoteProcess = {
		stdin: new PassThrough(),
		stdout,
		stderr: Readable.from([]),
		exit,
		kill: async () => undefined,
		resize: () => undefined,
	};
	const close = async (): Promise<void> => undefined;
	stdout.write(`${hello}\n`);
	const agent = await openAgent({host: 'box', spawn: async () => running, close, [Symbol.asyncDispose]: close});
	const call = agent.call('x', 1);
	stdout.destroy();
	const reason = new HostError('box', 'ERR_HOST_LOST', 'The connection to the host was lost');
	lose(reason);
	t.is(await t.throwsAsync(call), reason);
	await agent.close();
});

test('an error keeps code, hint and cause, and cannot bring more than that', async t => {
	const report = {
		code: 'ERR_NO_SPACE',
		message: 'Full\u001b[2J',
		hint: 'Free some',
		details: {path: '/x'},
		cause: {code: 'ENOSPC', message: 'no space'},
	};
	const agent = await openAgent(
		shell(`echo '${hello}'; read line; printf '%s\\n' '${JSON.stringify({id: 1, error: report})}'; cat`),
	);
	const error = await t.throwsAsync(agent.call('x', 1));
	t.true(error instanceof HostError);
	const {code, message, hint, details, cause} = error as HostError;
	t.deepEqual(
		{code, message, hint, details},
		{code: 'ERR_NO_SPACE', message: 'Full [2J', hint: 'Free some', details: {host: 'box', path: '/x'}},
	);
	t.like(cause, {code: 'ERR_AGENT_FAILED', message: 'no space'});
	await agent.close();
});

test('an aborted call rejects with the reason though the agent never answers', async t => {
	const agent = await openAgent(
		shell(
			`echo '${hello}'; read line; read cancel; echo "$cancel" >&2; printf '%s\\n' '{"id":1,"error":{"code":"ERR_ABORTED","message":"stopped"}}'; cat`,
		),
	);
	const controller = new AbortController();
	const call = agent.call('x', 1, {signal: controller.signal});
	const reason = new Error('enough');
	controller.abort(reason);
	t.is(await t.throwsAsync(call), reason);
	await agent.close();
});

test('closing rejects what waits and ends an agent that does not want to', async t => {
	const agent = await openAgent(shell(`trap '' TERM; echo '${hello}'; while :; do sleep 1; done`));
	const call = agent.call('x', 1);
	const [outcome] = await Promise.all([t.throwsAsync(call), agent.close()]);
	t.is(isSealError(outcome) && outcome.code, 'ERR_ABORTED');
});

test('a signal ends the session with its reason', async t => {
	const controller = new AbortController();
	const agent = await openAgent(shell(`echo '${hello}'; cat >/dev/null`), {signal: controller.signal});
	const call = agent.call('x', 1);
	const reason = new Error('enough');
	controller.abort(reason);
	t.is(await t.throwsAsync(call), reason);
	await agent.close();
});

function shell(script: string): ReturnType<typeof programTransport> {
	return programTransport(['sh', '-c', script]);
}
