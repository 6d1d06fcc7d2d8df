import {randomBytes} from 'node:crypto';
import {connect} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import {digestOf} from '../../../lib/oci/digest.js';
import type {Part} from '../../../lib/runtime/content/part.js';
import {fetchPart, type RelaySource} from '../../../lib/runtime/relay/client.js';
import {keyBytes, pairKey} from '../../../lib/runtime/relay/key.js';
import {openRelay, type Relay, type RelayOptions} from '../../../lib/runtime/relay/server.js';

const bytes = randomBytes(3_000_000);
const blob = digestOf(bytes);
const part: Part = {blob, index: 0, sizeBytes: bytes.length, digest: blob};
const key = randomBytes(keyBytes);

async function relayFor(t: ExecutionContext, options: Partial<RelayOptions> = {}): Promise<Relay> {
	const relay = await openRelay({
		content: {readPart: async () => oneChunk(bytes)},
		addresses: ['127.0.0.1'],
		key,
		gives: digest => digest === blob,
		lifetimeMs: 60_000,
		...options,
	});
	t.teardown(() => relay.close());
	return relay;
}

function sourceOf(relay: Relay, identity = 'node-1', withKey = pairKey(key, identity)): RelaySource {
	return {name: 'master-1', addresses: relay.addresses, identity, key: withKey};
}

async function read(source: RelaySource, wanted: Part = part): Promise<Buffer> {
	return await collect((await fetchPart(source, wanted)).bytes, wanted.sizeBytes);
}

test('a host that knows the key of the pair gets the part', async t => {
	const relay = await relayFor(t);
	t.true((await read(sourceOf(relay))).equals(bytes));
	t.true((await read(sourceOf(relay))).equals(bytes), 'again');
});

test('addresses that do not answer are passed over', async t => {
	const relay = await relayFor(t);
	const dead = await relayFor(t);
	await dead.close();
	const source = {...sourceOf(relay), addresses: [...dead.addresses, ...relay.addresses]};
	const {address, bytes: stream} = await fetchPart(source, part);
	t.deepEqual(address, relay.addresses[0]);
	t.is((await collect(stream, bytes.length)).length, bytes.length);
});

test('a wrong key opens nothing', async t => {
	const relay = await relayFor(t);
	const error = await t.throwsAsync(read(sourceOf(relay, 'node-1', randomBytes(keyBytes))));
	t.like(error, {code: 'ERR_RELAY'});
});

test('the key of one host does not open the relay to another', async t => {
	const relay = await relayFor(t);
	await t.throwsAsync(read(sourceOf(relay, 'node-2', pairKey(key, 'node-1'))), {message: /cannot be reached/});
});

test('the key of one relay does not make another relay of its holder', async t => {
	const false_ = await relayFor(t, {key: randomBytes(keyBytes)});
	await t.throwsAsync(read(sourceOf(false_)), {message: /cannot be reached/});
});

test('nothing is given but the blobs of this distribution', async t => {
	const relay = await relayFor(t, {gives: () => false});
	await t.throwsAsync(read(sourceOf(relay)), {message: /the part is not there/});
});

test('a part that is not here is said to be missing', async t => {
	const relay = await relayFor(t, {content: {readPart: async () => undefined}});
	await t.throwsAsync(read(sourceOf(relay)), {message: /the part is not there/});
});

test('a source that breaks off is found out', async t => {
	const half = bytes.subarray(0, 1_000_000);
	const relay = await relayFor(t, {
		content: {
			async readPart() {
				return (async function* () {
					yield half;
					throw new Error('disk gone');
				})();
			},
		},
	});
	const error = await t.throwsAsync(read(sourceOf(relay)));
	t.like(error, {code: 'ERR_RELAY'});
});

test('a source that sends more than it was asked for is left', async t => {
	const relay = await relayFor(t, {content: {readPart: async () => oneChunk(Buffer.concat([bytes, bytes]))}});
	await t.throwsAsync(read(sourceOf(relay), {...part, sizeBytes: 1000}), {message: /more came/});
});

test('an abort ends a fetch at once', async t => {
	const relay = await relayFor(t, {
		content: {
			async readPart() {
				return (async function* () {
					yield bytes.subarray(0, 1000);
					await sleep(60_000, undefined, {ref: false});
				})();
			},
		},
	});
	const controller = new AbortController();
	const {bytes: stream} = await fetchPart(sourceOf(relay), part, {signal: controller.signal});
	const reading = collect(stream, bytes.length);
	setTimeout(() => controller.abort(new Error('enough')), 50);
	await t.throwsAsync(reading, {message: 'enough'});
});

test('the relay closes itself after its time', async t => {
	const relay = await relayFor(t, {lifetimeMs: 50});
	await sleep(150);
	await t.throwsAsync(read(sourceOf(relay)), {message: /cannot be reached/});
});

test('who speaks no TLS gets nothing and harms nothing', async t => {
	const relay = await relayFor(t);
	const [address] = relay.addresses;
	const answer = await new Promise<Buffer>(resolve => {
		const chunks: Buffer[] = [];
		const socket = connect(address!.port, address!.address, () => socket.end('{"blob":"x"}\n'));
		socket.on('data', chunk => chunks.push(chunk));
		socket.on('error', () => undefined);
		socket.on('close', () => resolve(Buffer.concat(chunks)));
	});
	t.false(answer.toString('latin1').includes('{'));
	t.true((await read(sourceOf(relay))).equals(bytes));
});

test('an address that is not of this machine is left out', async t => {
	const relay = await relayFor(t, {addresses: ['192.0.2.1', '127.0.0.1']});
	t.deepEqual(
		relay.addresses.map(({address}) => address),
		['127.0.0.1'],
	);
});
