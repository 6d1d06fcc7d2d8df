import test from 'ava';
import type {AgentContext, AgentVerb} from '../../../../lib/runtime/agent/protocol.js';
import {gc} from '../../../../lib/runtime/agent/verbs/gc.js';
import {have} from '../../../../lib/runtime/agent/verbs/have.js';
import {unpack} from '../../../../lib/runtime/agent/verbs/unpack.js';
import {verify} from '../../../../lib/runtime/agent/verbs/verify.js';
import {openHostContent} from '../../../../lib/runtime/content/open.js';
import {file} from '../../../helpers/entries.js';
import {requestOf, send, testLayer} from '../../../helpers/host-content.js';
import {tempDir} from '../../../helpers/temp-dir.js';

function run<P, R>(verb: AgentVerb<P, R>, params: unknown, root: string, events: unknown[] = []): Promise<R> {
	const context: AgentContext = {
		signal: new AbortController().signal,
		event: event => void events.push(event),
		root,
		defer: () => undefined,
		session: {},
	};
	// As it comes over the wire.
	return verb.run(verb.parse(JSON.parse(JSON.stringify(params ?? null))), context);
}

test('the verbs of the content tell what is here, unpack it, verify it and collect the rest', async t => {
	const root = tempDir(t);
	const layer = await testLayer([file('bin', 'text')]);
	const query = {blob: layer.blob, diffId: layer.diffId, partCount: 1};
	const before = await run(have, {blobs: [query]}, root);
	t.deepEqual(before.blobs, [{blob: layer.blob, state: 'absent'}]);
	t.true(before.freeBytes > 0);
	await send(openHostContent(root), layer.bytes);
	t.is((await run(have, {blobs: [query]}, root)).blobs[0]?.state, 'whole');
	const events: {type?: string}[] = [];
	const image = await run(unpack, requestOf('app', [layer]), root, events);
	t.is(image.unpacked, 1);
	t.deepEqual([...new Set(events.map(event => event.type))], ['step.started', 'blob.progress', 'step.finished']);
	t.deepEqual((await run(verify, undefined, root)).damaged, []);
	t.deepEqual(await run(gc, undefined, root), {removed: 0, freedBytes: 0});
	t.is((await run(gc, {keep: []}, root)).removed, 3);
});

const wrong = test.macro<[AgentVerb, unknown, RegExp]>({
	exec(t, verb, params, message) {
		t.throws(() => verb.parse(params), {code: 'ERR_USAGE', message});
	},
	title: (given = '', verb, _, message) => `${verb.name} refuses params where ${message.source.slice(1)}${given}`,
});

const digest = `sha256:${'0'.repeat(64)}`;
const layer = {blob: digest, diffId: digest, mediaType: 'x', sizeBytes: 1};
test(wrong, have as AgentVerb, null, /^params is not an object$/);
test(wrong, have as AgentVerb, {blobs: 1}, /^blobs is not a list/);
test(wrong, have as AgentVerb, {blobs: [{blob: '../x', partCount: 1}]}, /^blob is not a digest$/);
test(wrong, have as AgentVerb, {blobs: [{blob: digest, partCount: -1}]}, /^partCount is not a number/);
test(wrong, have as AgentVerb, {blobs: [{blob: digest, partCount: 1, diffId: ''}]}, /^diffId is not a digest$/);
test(', being empty', wrong, unpack as AgentVerb, {name: '', manifest: digest, layers: []}, /^name is not a text/);
test(
	', having a new line',
	wrong,
	unpack as AgentVerb,
	{name: 'a\nb', manifest: digest, layers: []},
	/^name is not a text/,
);
test(wrong, unpack as AgentVerb, {name: 'a', manifest: 'sha256:0', layers: []}, /^manifest is not a digest$/);
test(
	wrong,
	unpack as AgentVerb,
	{name: 'a', manifest: digest, layers: [{...layer, sizeBytes: 0.5}]},
	/^sizeBytes is not/,
);
test(wrong, unpack as AgentVerb, {name: 'a', manifest: digest, layers: [{...layer, diffId: null}]}, /^diffId is not/);
test(wrong, gc as AgentVerb, {keep: [1]}, /^keep is not a text/);
