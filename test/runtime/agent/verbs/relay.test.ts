import {randomBytes} from 'node:crypto';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../../lib/core/bytes.js';
import {hexOf} from '../../../../lib/oci/digest.js';
import type {AgentContext} from '../../../../lib/runtime/agent/protocol.js';
import {fetch} from '../../../../lib/runtime/agent/verbs/fetch.js';
import {receive} from '../../../../lib/runtime/agent/verbs/receive.js';
import {serve} from '../../../../lib/runtime/agent/verbs/serve.js';
import {openHostContent} from '../../../../lib/runtime/content/open.js';
import {announce} from '../../../../lib/runtime/distribute/announce.js';
import {formatHeader} from '../../../../lib/runtime/distribute/frames.js';
import {keyBytes, pairKey} from '../../../../lib/runtime/relay/key.js';
import {openRelay} from '../../../../lib/runtime/relay/server.js';
import {partBytesOf, partsOf} from '../../../helpers/host-content.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const bytes = randomBytes(20_000_000);
const blob = partsOf(bytes);
const key = randomBytes(keyBytes);

interface Session extends AgentContext {
	readonly events: unknown[];
}

function sessionIn(t: ExecutionContext, root: string, input?: Readable): Session {
	const closers: Array<() => Promise<void>> = [];
	const events: unknown[] = [];
	t.teardown(async () => {
		for (const close of closers) await close();
	});
	return {
		root,
		events,
		session: {},
		signal: new AbortController().signal,
		event: event => events.push(event),
		defer: close => closers.push(close),
		...(input === undefined ? {} : {input}),
	};
}

/** A host that gives a blob, or what `lie` makes of it. */
async function giver(
	t: ExecutionContext,
	lie = (index: number): AsyncIterable<Uint8Array> => partBytesOf(bytes, index),
) {
	const relay = await openRelay({
		content: {readPart: async part => lie(part.index)},
		addresses: ['127.0.0.1'],
		key,
		gives: () => true,
		lifetimeMs: 60_000,
	});
	t.teardown(() => relay.close());
	return {name: 'giver', addresses: relay.addresses, identity: 'taker', key: pairKey(key, 'taker')};
}

/** What the operator tells a host before it fetches. */
async function expecting(t: ExecutionContext, root: string): Promise<Session> {
	const session = sessionIn(t, root);
	const params = {expect: [announce(blob)], give: [blob.blob], prefer: [], lifetimeMs: 1000};
	t.deepEqual(await serve.run(serve.parse(JSON.parse(JSON.stringify(params))), session), {addresses: []});
	return session;
}

test('a host fetches the parts that were announced, and they become a blob', async t => {
	const root = tempDir(t);
	const session = await expecting(t, root);
	const from = await giver(t);
	for (const {index} of blob.parts)
		t.deepEqual(await fetch.run({blob: blob.blob, index, from}, session), {address: from.addresses[0]});
	t.true(readFileSync(join(root, 'blobs/sha256', hexOf(blob.blob))).equals(bytes));
});

test('wrong bytes are the fault of the source, and are not kept', async t => {
	const root = tempDir(t);
	const session = await expecting(t, root);
	const from = await giver(t, () => oneChunk(Buffer.alloc(16 * 1024 * 1024, 1)));
	t.like(await fetch.run({blob: blob.blob, index: 0, from}, session), {failed: {code: 'ERR_CONTENT_DIGEST'}});
	t.like(await openHostContent(root).have([{blob: blob.blob, partCount: 2}]), [{state: 'absent'}]);
});

test('a source that does not answer is named', async t => {
	const session = await expecting(t, tempDir(t));
	const from = {...(await giver(t)), key: randomBytes(keyBytes)};
	t.like(await fetch.run({blob: blob.blob, index: 0, from}, session), {failed: {code: 'ERR_RELAY'}});
	t.like(await fetch.run({blob: blob.blob, index: 0, from: {...from, addresses: []}}, session), {
		failed: {code: 'ERR_RELAY'},
	});
});

test('what is wrong with the host itself is an error of the verb', async t => {
	const root = join(tempDir(t), 'content');
	writeFileSync(root, 'a file is in the way');
	const session = await expecting(t, root);
	const from = await giver(t);
	const error = await t.throwsAsync(fetch.run({blob: blob.blob, index: 0, from}, session));
	t.regex((error as {code?: string}).code ?? '', /^ERR_(?:IO|UNSAFE_PATH)$/);
});

test('nothing is fetched that was not announced', async t => {
	const session = sessionIn(t, tempDir(t));
	const from = await giver(t);
	await t.throwsAsync(fetch.run({blob: blob.blob, index: 0, from}, session), {code: 'ERR_USAGE'});
	const told = await expecting(t, tempDir(t));
	await t.throwsAsync(fetch.run({blob: blob.blob, index: 9, from}, told), {code: 'ERR_USAGE'});
});

test('parts come as raw bytes, in any order, and the count is told', async t => {
	const root = tempDir(t);
	mkdirSync(root, {recursive: true});
	const order = [1, 0];
	const frames = order.flatMap(index => {
		const piece = bytes.subarray(index * 16 * 1024 * 1024, (index + 1) * 16 * 1024 * 1024);
		return [formatHeader({blob: blob.blob, index, sizeBytes: piece.length}), piece];
	});
	const session = sessionIn(t, root, Readable.from(frames));
	t.deepEqual(await receive.run(receive.parse({blobs: [announce(blob)]}), session), {stored: 2});
	t.deepEqual(session.events, [{stored: 1}, {stored: 2}]);
	t.true(readFileSync(join(root, 'blobs/sha256', hexOf(blob.blob))).equals(bytes));
});

test('a part that was not announced ends receiving', async t => {
	for (const header of [
		{blob: blob.blob, index: 7, sizeBytes: 1},
		{blob: blob.blob, index: 1, sizeBytes: 1},
		{blob: 'sha256:no', index: 0, sizeBytes: 1},
	]) {
		const session = sessionIn(t, tempDir(t), Readable.from([formatHeader(header), Buffer.from('x')]));
		await t.throwsAsync(receive.run(receive.parse({blobs: [announce(blob)]}), session), {code: 'ERR_DISTRIBUTE'});
	}
	await t.throwsAsync(receive.run(receive.parse({blobs: []}), sessionIn(t, tempDir(t))), {code: 'ERR_USAGE'});
});

test('params that make no sense are refused', t => {
	const good = {expect: [], give: [blob.blob], key: 'ab'.repeat(keyBytes), prefer: [], lifetimeMs: 1000};
	t.notThrows(() => serve.parse(good));
	for (const wrong of [
		undefined,
		{...good, expect: 7},
		{...good, give: ['../x']},
		{...good, key: 'short'},
		{...good, key: 'zz'.repeat(keyBytes)},
		{...good, prefer: [7]},
		{...good, lifetimeMs: 0},
		{...good, lifetimeMs: 1e12},
	])
		t.throws(() => serve.parse(wrong), {code: 'ERR_USAGE'});
	const part = {blob: blob.blob, index: 0, from: {name: 'x', addresses: [], identity: 'y', key: 'ab'.repeat(keyBytes)}};
	t.notThrows(() => fetch.parse(part));
	for (const wrong of [
		null,
		{...part, blob: 'x'},
		{...part, index: 1.5},
		{...part, from: undefined},
		{...part, from: {...part.from, key: ''}},
	])
		t.throws(() => fetch.parse(wrong), {code: 'ERR_USAGE'});
	t.deepEqual(
		fetch.parse({...part, from: {...part.from, addresses: [{address: '127.0.0.1', port: 5000}]}}).from.addresses,
		[],
	);
});
