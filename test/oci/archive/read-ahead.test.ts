import test from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {readInOrder} from '../../../lib/oci/archive/read-ahead.js';
import type {ContentReader} from '../../../lib/oci/content.js';
import {describe} from '../../../lib/oci/descriptor.js';
import {textOf} from '../../helpers/images.js';

const texts = ['one', 'two', 'three', 'four', 'five'];
const descriptors = texts.map(text => describe('text/plain', Buffer.from(text)));

/** Gives its contents when told to, and knows what was asked for. */
function slowSource(): {source: ContentReader; asked: string[]; aborted: () => number; release: () => void} {
	const asked: string[] = [];
	let aborts = 0;
	let release = (): void => {};
	const released = new Promise<void>(resolve => {
		release = resolve;
	});
	const source: ContentReader = {
		exists: async () => true,
		async fetch(descriptor, {signal} = {}) {
			const text = texts[descriptors.indexOf(descriptor)]!;
			asked.push(text);
			signal?.addEventListener('abort', () => aborts++);
			if (text !== 'one') await released;
			signal?.throwIfAborted();
			return oneChunk(Buffer.from(text));
		},
	};
	return {source, asked, aborted: () => aborts, release: () => release()};
}

test('contents come in order while the next ones are under way', async t => {
	const {source, asked, release} = slowSource();
	const read: string[] = [];
	for await (const {descriptor, bytes} of readInOrder(source, descriptors, {concurrency: 3})) {
		if (read.length === 0) {
			t.deepEqual(asked.toSorted(), ['one', 'three', 'two']);
			release();
		}
		t.true(descriptor === descriptors[read.length]);
		read.push(await textOf(bytes));
	}
	t.deepEqual(read, texts);
	t.is(asked.length, texts.length);
});

test('one at a time asks for nothing ahead', async t => {
	const {source, asked} = slowSource();
	for await (const {bytes} of readInOrder(source, descriptors, {concurrency: 1})) {
		t.is(await textOf(bytes), 'one');
		break;
	}
	t.deepEqual(asked, ['one']);
});

test('an early end gives up what was fetched for nothing', async t => {
	const {source, aborted, release} = slowSource();
	for await (const {bytes} of readInOrder(source, descriptors, {concurrency: 3})) {
		t.is(await textOf(bytes), 'one');
		setImmediate(release);
		break;
	}
	t.is(aborted(), 2);
});

test('a failure of content that was read ahead comes at its turn', async t => {
	const {source, release} = slowSource();
	release();
	const broken: ContentReader = {
		...source,
		fetch: async (descriptor, options) => {
			if (descriptor === descriptors[2]) throw new Error('broken');
			return await source.fetch(descriptor, options);
		},
	};
	const read: string[] = [];
	await t.throwsAsync(
		async () => {
			for await (const {bytes} of readInOrder(broken, descriptors, {concurrency: 4})) read.push(await textOf(bytes));
		},
		{message: 'broken'},
	);
	t.deepEqual(read, ['one', 'two']);
});
