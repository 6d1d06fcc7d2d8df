import {execFileSync} from 'node:child_process';
import {copyFileSync, realpathSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {trimElf} from '../../../../lib/runtime/agent/bundle/trim-elf.js';
import {tempDir} from '../../../helpers/temp-dir.js';

test('a trimmed program is smaller and runs as before', async t => {
	const program = join(tempDir(t), 'node');
	copyFileSync(realpathSync('/bin/cat'), program);
	const before = statSync(program).size;
	await trimElf(program);
	t.true(statSync(program).size < before);
	t.is(execFileSync(program, {input: 'as before'}).toString(), 'as before');
	const once = statSync(program).size;
	await trimElf(program);
	t.is(statSync(program).size, once);
});

const refused = test.macro(async (t: ExecutionContext, bytes: Buffer) => {
	const path = join(tempDir(t), 'x');
	writeFileSync(path, bytes);
	await t.throwsAsync(trimElf(path), {code: 'ERR_AGENT_BUNDLE', message: /is no 64-bit ELF program/});
	t.is(statSync(path).size, bytes.length);
});
test('an empty file is refused', refused, Buffer.alloc(0));
test('a script is refused', refused, Buffer.from(`#!/bin/sh\n${'#'.repeat(100)}`));
test('an ELF header without segments is refused', refused, elf(0, 56, 64n));
test('segments behind the end of the file are refused', refused, elf(2, 56, 1n << 31n));
test('an offset beyond all files is refused', refused, elf(2, 56, 1n << 60n));

function elf(segments: number, size: number, at: bigint): Buffer {
	const bytes = Buffer.alloc(64);
	bytes.write('\x7fELF\x02\x01\x01', 'latin1');
	bytes.writeBigUInt64LE(at, 32);
	bytes.writeUInt16LE(size, 54);
	bytes.writeUInt16LE(segments, 56);
	return bytes;
}
