import {PassThrough} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {readLines} from '../../../lib/runtime/agent/lines.js';
import {type AgentVerb, agentProtocol, maxReplyBytes, maxRequests} from '../../../lib/runtime/agent/protocol.js';
import {runSession} from '../../../lib/runtime/agent/session.js';

const identity = {protocol: agentProtocol, version: '1.0.0', platform: 'linux/amd64'};

test('a session says hello, answers requests in any order, and ends with its stdin', async t => {
	const {send, reply, ended, end} = start(t);
	t.deepEqual(await reply(), {hello: identity});
	send({id: 1, verb: 'wait', params: 50});
	send({id: 2, verb: 'echo', params: {a: 'ü'}});
	t.deepEqual(await reply(), {id: 2, result: {a: 'ü'}});
	t.deepEqual(await reply(), {id: 1, result: 'waited'});
	end();
	await ended;
	t.is(await reply(), undefined);
});

test('events come before the result of their request', async t => {
	const {send, reply} = start(t);
	await reply();
	send({id: 7, verb: 'count', params: 2});
	t.deepEqual(
		[await reply(), await reply(), await reply()],
		[
			{id: 7, event: 1},
			{id: 7, event: 2},
			{id: 7, result: 2},
		],
	);
});

test('a cancelled request answers that it was aborted, one that has ended is no mistake', async t => {
	const {send, reply} = start(t);
	await reply();
	send({id: 1, verb: 'wait', params: 60_000});
	send({id: 1, cancel: true});
	const answer = (await reply()) as {error: {code: string}};
	t.is(answer.error.code, 'ERR_ABORTED');
	send({id: 1, cancel: true});
	send({id: 2, verb: 'echo', params: 1});
	t.deepEqual(await reply(), {id: 2, result: 1});
});

test('the end of stdin aborts what runs and closes what was deferred, the last first', async t => {
	const closed: number[] = [];
	const open = verb('open', async (number, context) =>
		context.defer(async () => {
			closed.push(Number(number));
			if (number === 2) throw new Error('cannot close');
		}),
	);
	const {send, reply, ended, end} = start(t, [open]);
	await reply();
	for (const number of [1, 2, 3]) send({id: number, verb: 'open', params: number});
	for (let n = 0; n < 3; n++) await reply();
	send({id: 9, verb: 'wait', params: 60_000});
	end();
	await ended;
	t.deepEqual(closed, [3, 2, 1]);
	t.is(((await reply()) as {error: {code: string}}).error.code, 'ERR_ABORTED');
});

test('a verb that does not end is left behind after the time of grace', async t => {
	const {send, reply, ended, end} = start(t, [verb('stuck', async () => new Promise(() => {}))]);
	await reply();
	send({id: 1, verb: 'stuck', params: null});
	end();
	await ended;
	t.pass();
});

test('an operator that is silent is taken for dead, one that sends empty lines is not', async t => {
	const {sendText, reply, ended} = start(t, [], {silenceMs: 300});
	await reply();
	let isOver = false;
	void ended.then(() => (isOver = true));
	for (let n = 0; n < 10; n++) {
		sendText('\n');
		await sleep(60);
		t.false(isOver);
	}
	await ended;
	t.true(isOver);
});

const malformed = test.macro(async (t: ExecutionContext, line: string, code: string) => {
	const {sendText, reply, ended} = start(t);
	await reply();
	sendText(line);
	t.is(((await reply()) as {fatal: {code: string}}).fatal.code, code);
	await ended;
});
test('a line that is no JSON ends the session', malformed, 'hello\n', 'ERR_AGENT_PROTOCOL');
test('a line that is no object ends the session', malformed, 'null\n', 'ERR_AGENT_PROTOCOL');
test('a request without a number ends the session', malformed, '{"verb":"echo"}\n', 'ERR_AGENT_PROTOCOL');
test('a request with a fraction ends the session', malformed, '{"id":1.5,"verb":"echo"}\n', 'ERR_AGENT_PROTOCOL');
test('a request without a verb ends the session', malformed, '{"id":1}\n', 'ERR_AGENT_PROTOCOL');
test(
	'two requests of one number end the session',
	malformed,
	'{"id":1,"verb":"wait","params":9000}\n{"id":1,"verb":"echo"}\n',
	'ERR_AGENT_PROTOCOL',
);
test('a line without an end ends the session', malformed, 'x'.repeat(17 * 1024 * 1024), 'ERR_AGENT_LIMIT');

test('an unknown verb, also one of the name of an object property, is told to its request only', async t => {
	const {send, reply} = start(t);
	await reply();
	for (const [id, verb] of ['nothing', 'constructor', '__proto__'].entries()) {
		send({id, verb, params: null});
		t.is(((await reply()) as {error: {code: string}}).error.code, 'ERR_AGENT_VERB');
	}
});

test('requests beyond the limit are refused, and those that run go on', async t => {
	const {send, reply} = start(t);
	await reply();
	for (let id = 0; id <= maxRequests; id++) send({id, verb: 'wait', params: 200});
	const first = (await reply()) as {id: number; error: {code: string}};
	t.is(first.id, maxRequests);
	t.is(first.error.code, 'ERR_AGENT_LIMIT');
	for (let id = 0; id < maxRequests; id++) t.is(((await reply()) as {result: string}).result, 'waited');
});

test('a result that is too long, or no JSON, is answered by an error', async t => {
	const {send, reply} = start(t);
	await reply();
	send({id: 1, verb: 'long', params: maxReplyBytes});
	t.is(((await reply()) as {error: {code: string}}).error.code, 'ERR_AGENT_LIMIT');
	send({id: 2, verb: 'big', params: null});
	t.is(((await reply()) as {error: {code: string}}).error.code, 'ERR_AGENT_LIMIT');
});

test('while nobody reads only the last event of a request is kept', async t => {
	const {send, reply} = start(t);
	await reply();
	send({id: 3, verb: 'count', params: 200_000});
	await sleep(300);
	let events = 0;
	let last: unknown;
	for (
		let line = (await reply()) as Record<string, unknown>;
		!('result' in line);
		line = (await reply()) as Record<string, unknown>
	) {
		events++;
		last = line.event;
	}
	t.true(events < 20_000, `${events} events came through`);
	t.is(last, 200_000);
});

const verbs = [
	verb('echo', async params => params),
	verb('wait', async (params, {signal}) => sleep(Number(params), 'waited', {signal})),
	verb('count', async (params, {event}) => {
		for (let n = 1; n <= Number(params); n++) event(n);
		return params;
	}),
	verb('long', async params => 'x'.repeat(Number(params))),
	verb('big', async () => 1n),
];

function verb(name: string, run: AgentVerb['run']): AgentVerb {
	return {name, parse: params => params, run};
}

function start(t: ExecutionContext, own: readonly AgentVerb[] = [], limits: {readonly silenceMs?: number} = {}) {
	const [stdin, stdout] = [new PassThrough(), new PassThrough()];
	const stop = new AbortController();
	const table = Object.fromEntries([...verbs, ...own].map(each => [each.name, async () => each]));
	const ended = runSession(
		{stdin, stdout, identity, verbs: table, root: '/nowhere', signal: stop.signal},
		{graceMs: 500, ...limits},
	).then(() => void stdout.end());
	t.teardown(() => stop.abort());
	const lines = readLines(stdout, 8 * 1024 * 1024);
	const reply = async (): Promise<unknown> => {
		for (;;) {
			const line = await lines.line();
			if (line === undefined) return undefined;
			if (line.length > 0) return JSON.parse(line.toString());
		}
	};
	return {
		send: (request: unknown) => void stdin.write(`${JSON.stringify(request)}\n`),
		sendText: (text: string) => void stdin.write(text),
		reply,
		ended,
		end: () => void stdin.end(),
	};
}
