import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {gatherFacts} from '../../../lib/runtime/facts/gather.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import type {SpawnOptions} from '../../../lib/runtime/transport/transport.js';
import {shellTransport} from '../../helpers/shell-transport.js';

/** A host that answers a script with what another one prints. */
const answering = (script: string): ReturnType<typeof shellTransport> =>
	shellTransport(['/bin/sh', '-c', script, 'sh'], {PATH: '/usr/bin:/bin'});

test('this machine tells its facts over the local transport', async t => {
	await using transport = createLocalTransport({host: 'self'});
	const facts = await gatherFacts(transport);
	t.like(facts, {schema: 1, host: 'self', uid: process.getuid?.()});
	// Both clocks are one; what remains is the time that the answer took.
	t.true(Math.abs(facts.clock.offsetMs!) <= facts.clock.uncertaintyMs! + 1);
	t.deepEqual(JSON.parse(JSON.stringify(facts)), facts);
});

test('a clock that is ahead of ours is found to be', async t => {
	const facts = await gatherFacts(shellTransport(['/bin/sh'], {PATH: '/usr/bin:/bin'}), {
		now: () => Date.now() - 90_000,
	});
	t.true(Math.abs(facts.clock.offsetMs! - 90_000) <= facts.clock.uncertaintyMs! + 1);
});

test('only what is asked for is looked for', async t => {
	const wanted = {paths: ['/'], commands: ['sh', 'no-such-command'], sysctls: ['kernel.ostype']};
	const facts = await gatherFacts(shellTransport(['/bin/sh'], {PATH: '/usr/bin:/bin'}), {wanted});
	t.deepEqual(
		facts.paths.map(({path}) => path),
		['/'],
	);
	t.deepEqual(Object.keys(facts.software.commands), ['sh']);
	t.deepEqual(facts.sysctls, {'kernel.ostype': 'Linux'});
});

test('a host that goes silent is given up in time, and the error says where it stopped', async t => {
	const error = await t.throwsAsync(
		gatherFacts(answering('echo uname Linux; echo path 3; sleep 60'), {timeoutMs: 300}),
		{
			instanceOf: HostError,
		},
	);
	t.like(error, {
		code: 'ERR_FACTS',
		host: 'here',
		message: 'The facts did not come within 0.3 s: the host stopped after "path"',
	});
});

test('a host on which no shell starts is given up too', async t => {
	const transport = {
		...answering('true'),
		spawn: (_: readonly string[], {signal}: SpawnOptions = {}) =>
			new Promise<never>((_resolve, reject) => {
				signal?.addEventListener('abort', () => reject(signal.reason as Error));
			}),
	};
	t.like(await t.throwsAsync(gatherFacts(transport, {startTimeoutMs: 50})), {
		code: 'ERR_FACTS',
		message: 'The facts did not come within 0.05 s: the host stopped before it told anything',
	});
});

test('a host that never stops talking is cut off', async t => {
	const error = await t.throwsAsync(gatherFacts(answering('yes /etc/hosts:0000000000000000000000000000')));
	t.like(error, {code: 'ERR_FACTS', message: 'The facts do not end: the host told more than 4 MiB'});
});

test('a host without a shell gives no facts, and what it says instead is told', async t => {
	const error = await t.throwsAsync(gatherFacts(answering('printf "no \\033[31mshell here" >&2; exit 127')));
	t.like(error, {code: 'ERR_FACTS', message: 'The host told no facts', details: {said: 'no ?[31mshell here'}});
});

test('an abort ends the script on the host', async t => {
	const abort = new AbortController();
	const gathering = gatherFacts(answering('sleep 60'), {signal: abort.signal});
	await sleep(50);
	abort.abort(new Error('enough'));
	await t.throwsAsync(gathering, {message: 'enough'});
});

test('a signal that was aborted before starts nothing', async t => {
	const transport = {...answering('true'), spawn: () => Promise.reject(new Error('started'))};
	await t.throwsAsync(gatherFacts(transport, {signal: AbortSignal.abort(new Error('enough'))}), {message: 'enough'});
});
