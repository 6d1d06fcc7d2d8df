import test from 'ava';
import {agentProtocol} from '../../../lib/runtime/agent/protocol.js';
import {runAgentVerb} from '../../../lib/runtime/agent/run-verb.js';
import {programTransport} from '../../helpers/program-transport.js';

const hello = JSON.stringify({hello: {protocol: agentProtocol, version: '1.0.0', platform: 'linux/amd64'}});

test('the verb gets its params as the first line and the input after it, as it is', async t => {
	const script = `echo '${hello}'; read -r params; size=$(wc -c); echo '{"id":0,"event":'"$params"'}'; echo '{"id":0,"result":'"$size"'}'`;
	const events: unknown[] = [];
	const result = await runAgentVerb(
		shell(script),
		'x',
		{a: 1},
		{input: pieces(3), onEvent: event => events.push(event)},
	);
	t.is(result, 3 * 65_536);
	t.deepEqual(events, [{a: 1}]);
});

test('a verb that has its answer need not read to the end', async t => {
	const script = `echo '${hello}'; echo '{"id":0,"result":"early"}'`;
	t.is(await runAgentVerb(shell(script), 'x', null, {input: pieces(1000)}), 'early');
});

test('an error of the agent says more than the pipe that broke with it', async t => {
	const script = `echo '${hello}'; read -r params; echo '{"id":0,"error":{"code":"ERR_NO_SPACE","message":"full"}}'`;
	const error = await t.throwsAsync(runAgentVerb(shell(script), 'x', null, {input: pieces(1000)}));
	t.like(error, {code: 'ERR_NO_SPACE', host: 'box', message: 'full'});
});

test('an input that fails is told as what it is', async t => {
	const script = `echo '${hello}'; cat >/dev/null; echo '{"id":0,"error":{"code":"ERR_CONTENT_SIZE","message":"short"}}'`;
	await t.throwsAsync(runAgentVerb(shell(script), 'x', null, {input: failing()}), {message: 'cannot be read'});
});

test('an agent that ends without an answer is lost', async t => {
	const error = await t.throwsAsync(runAgentVerb(shell(`echo '${hello}'; echo why >&2; exit 4`), 'x', null));
	t.like(error, {code: 'ERR_AGENT_LOST', details: {host: 'box', code: 4, stderr: 'why'}});
});

test('an abort ends it with its reason', async t => {
	const controller = new AbortController();
	const running = runAgentVerb(shell(`echo '${hello}'; sleep 60`), 'x', null, {signal: controller.signal});
	setTimeout(() => controller.abort(new Error('enough')), 100);
	await t.throwsAsync(running, {message: 'enough'});
});

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
	for (let n = 0; n < count; n++) yield Buffer.alloc(65_536, n);
}

async function* failing(): AsyncGenerator<Uint8Array> {
	yield Buffer.alloc(10);
	throw new Error('cannot be read');
}

function shell(script: string): ReturnType<typeof programTransport> {
	return programTransport(['sh', '-c', script]);
}
