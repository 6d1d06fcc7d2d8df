import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {describe} from '../../lib/oci/descriptor.js';
import {discard, readFileRange, readFileVerified, verified} from '../../lib/oci/verify.js';
import {chunks, describeText, textOf} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

test('passes the right bytes on and fails for others', async t => {
	const descriptor = describeText('hello');
	t.is(await textOf(verified(chunks('he', 'llo'), descriptor, 'x')), 'hello');
	t.is(await textOf(verified(chunks(), describeText(''), 'x')), '');
	await t.throwsAsync(textOf(verified(chunks('hell'), descriptor, 'x')), {
		code: 'ERR_CONTENT_SIZE',
		message: /shorter/,
	});
	await t.throwsAsync(textOf(verified(chunks('hello', '!'), descriptor, 'x')), {code: 'ERR_CONTENT_SIZE'});
	await t.throwsAsync(textOf(verified(chunks('hellO'), descriptor, 'the moon')), {
		code: 'ERR_CONTENT_DIGEST',
		message: /^Content from the moon is wrong: expected sha256:2cf/,
	});
});

test('ends the stream below when it is ended, before the first chunk too, and when the bytes are wrong', async t => {
	let ends = 0;
	const endless = {
		[Symbol.asyncIterator]: () => ({
			next: async () => ({done: false as const, value: Buffer.from('xx')}),
			return: async () => {
				ends++;
				return {done: true as const, value: undefined};
			},
		}),
	};
	await discard(verified(endless, describeText('hello'), 'x'));
	t.is(ends, 1);
	for await (const _ of verified(endless, describeText('hello'), 'x')) break;
	t.is(ends, 2);
	await t.throwsAsync(textOf(verified(endless, describeText('hello'), 'x')), {code: 'ERR_CONTENT_SIZE'});
	t.is(ends, 3);
});

test('an abort is thrown as its reason', async t => {
	const reason = new Error('enough');
	const signal = AbortSignal.abort(reason);
	t.is(await t.throwsAsync(textOf(verified(chunks('hello'), describeText('hello'), 'x', {signal}))), reason);
});

test('reads a part of a file, verified when it is the whole', async t => {
	const path = join(tempDir(t), 'file');
	writeFileSync(path, 'before|hello|after');
	const descriptor = describeText('hello');
	t.is(await textOf(readFileVerified(path, descriptor, 'x', {fileOffset: 7})), 'hello');
	t.is(await textOf(readFileVerified(path, descriptor, 'x', {fileOffset: 7, offset: 3})), 'lo');
	await t.throwsAsync(textOf(readFileVerified(path, descriptor, 'x')), {code: 'ERR_CONTENT_DIGEST'});
	await t.throwsAsync(textOf(readFileVerified(path, descriptor, 'x', {fileOffset: 15})), {code: 'ERR_CONTENT_SIZE'});
	await t.throwsAsync(textOf(readFileVerified(join(path, 'no'), descriptor, 'x')), {code: 'ERR_IO'});
	t.is(await textOf(readFileRange(path, 13, 100)), 'after');
});

test('chunks stay as they are unless the reader may use their memory again', async t => {
	const path = join(tempDir(t), 'file');
	const bytes = randomBytes(3 * 1024 * 1024 + 5);
	writeFileSync(path, bytes);
	const descriptor = describe('application/octet-stream', bytes);
	const kept: Uint8Array[] = [];
	for await (const chunk of readFileVerified(path, descriptor, 'here')) kept.push(chunk);
	t.true(Buffer.concat(kept).equals(bytes));
	const copied: Buffer[] = [];
	const memories = new Set<ArrayBufferLike>();
	for await (const chunk of readFileVerified(path, descriptor, 'here', {reuse: true})) {
		copied.push(Buffer.from(chunk));
		memories.add(chunk.buffer);
	}
	t.true(Buffer.concat(copied).equals(bytes));
	t.is(memories.size, 2);
	const from: Buffer[] = [];
	for await (const chunk of readFileVerified(path, descriptor, 'here', {reuse: true, offset: 7}))
		from.push(Buffer.from(chunk));
	t.true(Buffer.concat(from).equals(bytes.subarray(7)));
});
