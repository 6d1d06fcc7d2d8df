import {createHash} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {contentKeyOf, contentKeyOfBytes} from '../../lib/core/content-key.js';
import {encodeName} from '../../lib/core/name.js';
import {tempDir} from '../helpers/temp-dir.js';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const mebibyte = 1024 * 1024;

const isKey = test.macro({
	async exec(t, sizeBytes: number) {
		const bytes = Buffer.alloc(sizeBytes, 'content');
		const chunks: Buffer[] = [];
		for (let at = 0; at < sizeBytes; at += mebibyte) chunks.push(sha256(bytes.subarray(at, at + mebibyte)));
		const expected = sha256(Buffer.concat(chunks)).toString('hex');
		t.is(contentKeyOfBytes(bytes), expected);
		const path = join(tempDir(t), 'file');
		writeFileSync(path, bytes);
		t.is(await contentKeyOf(path), expected);
	},
	title: (_, sizeBytes) => `the key of ${sizeBytes} bytes is the hash of the hashes of their chunks`,
});

for (const sizeBytes of [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte]) test(isKey, sizeBytes);

test('a missing file is an error of the system', async t => {
	await t.throwsAsync(contentKeyOf(join(tempDir(t), 'none')), {code: 'ENOENT'});
});

test('a name that is not UTF-8 is found', async t => {
	const path = join(tempDir(t), 'caf\udce9');
	writeFileSync(encodeName(path), 'x');
	t.is(await contentKeyOf(path), contentKeyOfBytes(Buffer.from('x')));
});
