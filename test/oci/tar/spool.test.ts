import {execFileSync} from 'node:child_process';
import {closeSync, openSync, readdirSync, readSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import type {CompressionFormat} from '../../../lib/oci/compress/decompress.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {detectArchive, readArchive} from '../../../lib/oci/tar/spool.js';
import {installed} from '../../helpers/programs.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {fixture} from './fixture.js';

const detects = test.macro({
	async exec(t, bytes: Buffer, expected: CompressionFormat | undefined) {
		const path = join(tempDir(t), 'file');
		writeFileSync(path, bytes);
		t.is(await detectArchive(path), expected);
	},
	title: (title = '', _, expected) =>
		`${title} is ${expected === undefined ? 'no archive' : `an archive (${expected})`}`,
});
const packers = (['gzip', 'bzip2', 'xz', 'zstd'] as const).filter(installed);

test('a tar', detects, fixture('links'), 'none');
test('a V7 tar', detects, fixture('v7'), 'none');
for (const format of packers) {
	test(`a tar in ${format}`, detects, execFileSync(format, ['-c'], {input: fixture('links')}), format);
}
test('text', detects, Buffer.from('hello'), undefined);
test('nothing', detects, Buffer.alloc(0), undefined);
test('a file of zeros', detects, Buffer.alloc(2048), undefined);
test('text in gzip', detects, gzipSync('hello'), undefined);
test('an empty tar in gzip', detects, gzipSync(Buffer.alloc(10_240)), undefined);
test(
	'damaged gzip',
	detects,
	Buffer.concat([gzipSync(fixture('links')).subarray(0, 20), Buffer.alloc(50, 0xff)]),
	undefined,
);

/** Every content of a list of located entries. */
function read(entries: readonly LayerEntry[]): Array<readonly [string, string]> {
	return entries.map(({header, content}) => {
		if (content?.kind !== 'file') return [header.path, header.type];
		const file = openSync(content.path, 'r');
		const bytes = Buffer.alloc(header.size);
		readSync(file, bytes, 0, header.size, content.offset ?? 0);
		closeSync(file);
		return [header.path, bytes.toString()];
	});
}

test('a plain archive is read in place', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'a.tar');
	writeFileSync(path, fixture('links'));
	const entries = await readArchive(path, dir);
	t.deepEqual(read(entries), [
		['a', 'hi'],
		['b', 'hardlink'],
		['c', 'symlink'],
	]);
	t.deepEqual(readdirSync(dir), ['a.tar']);
});

test('a compressed archive is spooled', async t => {
	const [dir, scratch] = [tempDir(t), tempDir(t)];
	for (const format of packers) {
		const path = join(dir, format);
		writeFileSync(path, execFileSync(format, ['-c'], {input: fixture('v7')}));
		t.deepEqual(read(await readArchive(path, scratch)), [
			['dir', 'directory'],
			['dir/file', 'hello'],
		]);
	}
	t.is(readdirSync(scratch).length, packers.length);
});

test('an archive with sparse files is spooled', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'a.tar');
	writeFileSync(path, fixture('sparse-gnu'));
	const entries = await readArchive(path, dir);
	t.deepEqual(
		read(entries).map(([name, text]) => [name, text.length]),
		[
			['sparse', 65_536],
			['many', 393_216],
		],
	);
});

test('limits hold and leave nothing behind', async t => {
	const [dir, scratch] = [tempDir(t), tempDir(t)];
	for (const bytes of [fixture('sparse-gnu'), gzipSync(fixture('v7')), fixture('v7')]) {
		const path = join(dir, 'archive');
		writeFileSync(path, bytes);
		await t.throwsAsync(readArchive(path, scratch, {limitBytes: 4}), {code: 'ERR_TAR_LIMIT'});
		await t.throwsAsync(readArchive(path, scratch, {limitEntries: 1}), {code: 'ERR_TAR_LIMIT'});
	}
	writeFileSync(join(dir, 'out.tar.gz'), gzipSync(fixture('dot-dot')));
	await t.throwsAsync(readArchive(join(dir, 'out.tar.gz'), scratch), {code: 'ERR_UNSAFE_PATH'});
	t.deepEqual(readdirSync(scratch), []);
});
