import {readFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {createFileWriter} from '../../lib/core/file-writer.js';
import {tempDir} from '../helpers/temp-dir.js';

test('writes small and large chunks in their order, and lets the caller reuse them', async t => {
	const path = join(tempDir(t), 'out');
	const file = await open(path, 'wx');
	const writer = createFileWriter(file);
	const expected: Buffer[] = [];
	const chunk = Buffer.alloc(300_000);
	for (const [i, size] of [1, 70_000, 70_000, 70_000, 70_000, 200_000, 3, 300_000, 0, 5].entries()) {
		const part = chunk.subarray(0, size).fill(i + 1);
		expected.push(Buffer.from(part));
		await writer.write(part);
	}
	chunk.fill(0);
	await writer.flush();
	await writer.flush();
	await file.close();
	t.true(readFileSync(path).equals(Buffer.concat(expected)));
});
