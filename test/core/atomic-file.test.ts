import {chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {besideOf, sweepBeside, syncFolder, writeFileAtomic} from '../../lib/core/atomic-file.js';
import {tempDir} from '../helpers/temp-dir.js';

test('replaces a file as a whole and leaves nothing beside it', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'a.json');
	await writeFileAtomic(path, 'one');
	await writeFileAtomic(path, Buffer.from('two'), {sync: false, mode: 0o600});
	t.is(readFileSync(path, 'utf8'), 'two');
	t.is(statSync(path).mode & 0o777, 0o600);
	t.deepEqual(readdirSync(dir), ['a.json']);
});

test('writes through another folder when one is given', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'tmp'));
	await writeFileAtomic(join(dir, 'a'), 'x', {tempDir: join(dir, 'tmp')});
	t.deepEqual(readdirSync(join(dir, 'tmp')), []);
	t.is(readFileSync(join(dir, 'a'), 'utf8'), 'x');
});

test('keeps the old file when the new one cannot take its place', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'a', 'full'), {recursive: true});
	await t.throwsAsync(writeFileAtomic(join(dir, 'a'), 'x'), {code: 'ERR_IO', message: /^Cannot write .*\/a: /});
	t.deepEqual(readdirSync(dir), ['a']);
	await t.throwsAsync(writeFileAtomic(join(dir, 'missing', 'b'), 'x'), {code: 'ERR_IO', message: /does not exist/});
});

test('flushing a missing folder fails, flushing one that cannot be read does not', async t => {
	const dir = tempDir(t);
	await t.throwsAsync(syncFolder(join(dir, 'none')), {code: 'ERR_IO'});
	writeFileSync(join(dir, 'file'), '');
	chmodSync(join(dir, 'file'), 0o600);
	await t.notThrowsAsync(syncFolder(dir));
});

test('a sweep removes old temporary files and nothing else', async t => {
	const dir = tempDir(t);
	const [old, young] = [besideOf(join(dir, 'a')), besideOf(join(dir, 'a'))];
	for (const path of [old, young, join(dir, 'a'), join(dir, 'b.tmp')]) writeFileSync(path, '');
	const longAgo = new Date(Date.now() - 3600_000);
	for (const path of [old, join(dir, 'a'), join(dir, 'b.tmp')]) utimesSync(path, longAgo, longAgo);
	await sweepBeside(dir);
	t.deepEqual(readdirSync(dir).toSorted(), ['a', young.slice(dir.length + 1), 'b.tmp'].toSorted());
	await t.notThrowsAsync(sweepBeside(join(dir, 'none')));
});
