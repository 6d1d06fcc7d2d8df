import {
	chmodSync,
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {writeToDisk} from '../../../lib/oci/disk/write.js';
import type {EntryHeader, LayerEntry} from '../../../lib/oci/entry.js';
import {opaque, whiteout} from '../../../lib/oci/layer/whiteout.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const noStore = {
	exists: async () => false,
	fetch: async () => {
		throw new Error('nothing is stored');
	},
};

const isRoot = process.geteuid?.() === 0;

function entry(path: string, changes: Partial<EntryHeader> = {}, text = ''): LayerEntry {
	const header: EntryHeader = {
		...{path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1000},
		size: Buffer.byteLength(text),
		...changes,
	};
	return text === '' ? {header} : {header, content: {kind: 'bytes', bytes: Buffer.from(text)}};
}

const folder = (path: string, changes: Partial<EntryHeader> = {}): LayerEntry =>
	entry(path, {type: 'directory', mode: 0o755, ...changes});

async function apply(root: string, ...entries: LayerEntry[]): Promise<void> {
	await writeToDisk(entries, noStore, root, {owners: isRoot, fresh: false});
}

async function write(t: ExecutionContext, ...entries: LayerEntry[]): Promise<string> {
	const root = tempDir(t);
	await writeToDisk(entries, noStore, root, {owners: isRoot, fresh: true});
	return root;
}

test('modes are those of the image, whatever the umask is', async t => {
	const before = process.umask(0o077);
	t.teardown(() => process.umask(before));
	const root = await write(
		t,
		folder('', {mode: 0o750}),
		folder('tmp', {mode: 0o1777}),
		entry('tmp/run', {mode: 0o6755}, 'x'),
		entry('tmp/secret', {mode: 0o000}, 'x'),
	);
	t.deepEqual(
		['', 'tmp', 'tmp/run', 'tmp/secret'].map(path => lstatSync(join(root, path)).mode & 0o7777),
		[0o750, 0o1777, 0o6755, 0],
	);
});

test('times before 1970, after 2038 and between seconds are kept, for folders and links too', async t => {
	const root = await write(
		t,
		folder('', {mtime: 4_102_444_800}),
		entry('new', {mtime: 2_208_988_800}, 'x'),
		entry('old', {mtime: -86_401}, 'x'),
		entry('parts', {mtime: 1000, mtimeNsec: 500_000_000}),
		{header: {...entry('s').header, type: 'symlink', linkname: 'nowhere', mtime: 2_208_988_800}},
	);
	t.deepEqual(
		['', 'new', 'old', 'parts', 's'].map(path => lstatSync(join(root, path)).mtimeMs),
		[4_102_444_800_000, 2_208_988_800_000, -86_401_000, 1_000_500, 2_208_988_800_000],
	);
});

test('a folder without write permission is filled nevertheless', async t => {
	const root = await write(t, folder('ro', {mode: 0o555}), entry('ro/file', {}, 'x'));
	t.is(lstatSync(join(root, 'ro')).mode & 0o7777, 0o555);
	t.is(readFileSync(join(root, 'ro/file'), 'utf8'), 'x');
	chmodSync(join(root, 'ro'), 0o755);
});

test('names that share content, and hard links, are one file', async t => {
	const shared = entry('a', {}, 'shared');
	const link = entry('c', {type: 'hardlink', linkname: 'a'});
	const root = await write(t, shared, {...shared, header: {...shared.header, path: 'b'}}, link);
	t.deepEqual(new Set(['a', 'b', 'c'].map(path => lstatSync(join(root, path)).ino)).size, 1);
	t.is(lstatSync(join(root, 'a')).nlink, 3);
});

test('FIFOs are made, and devices where the process may', async t => {
	const root = tempDir(t);
	const entries = [
		entry('null', {type: 'character', devmajor: 1, devminor: 3}),
		entry('pipe', {type: 'fifo', mode: 0o620}),
	];
	const report = await writeToDisk(entries, noStore, root, {owners: isRoot, fresh: true});
	t.true(lstatSync(join(root, 'pipe')).isFIFO());
	t.is(lstatSync(join(root, 'pipe')).mode & 0o7777, 0o620);
	if (report.skippedDevices.length === 0) t.is(statSync(join(root, 'null')).rdev, 0x103);
	else t.deepEqual(report.skippedDevices, ['null']);
});

test('names that are not UTF-8 keep their bytes', async t => {
	const root = await write(t, entry('\udcffA', {}, 'x'));
	t.deepEqual(readdirSync(root, {encoding: 'buffer'}), [Buffer.from([0xff, 0x41])]);
});

test('a layer replaces, updates and hides what is below it', async t => {
	const root = tempDir(t);
	writeFiles(root, {file: 'old', 'dir/kept': 'kept', 'dir/gone': 'gone', 'tree/a/b': 'b', 'hidden/x': 'x'});
	await apply(
		root,
		entry('dir', {type: 'directory', mode: 0o700}),
		whiteout('dir/gone'),
		folder('file'),
		entry('file/inside', {}, 'in'),
		opaque('hidden'),
		entry('hidden/y', {}, 'y'),
		entry('tree', {}, 'a file now'),
	);
	t.deepEqual(readdirSync(join(root, 'dir')), ['kept']);
	t.is(lstatSync(join(root, 'dir')).mode & 0o7777, 0o700);
	t.is(readFileSync(join(root, 'file/inside'), 'utf8'), 'in');
	t.deepEqual(readdirSync(join(root, 'hidden')), ['y']);
	t.is(readFileSync(join(root, 'tree'), 'utf8'), 'a file now');
});

test('a whiteout hides what was there before, not what the layer brings', async t => {
	const root = tempDir(t);
	writeFiles(root, {'a/old': 'old'});
	await apply(root, folder('a'), entry('a/new', {}, 'new'), whiteout('a'));
	t.deepEqual(readdirSync(join(root, 'a')), ['new']);
});

test('replacing a file leaves its other names alone', async t => {
	const root = tempDir(t);
	writeFiles(root, {one: 'old'});
	linkSync(join(root, 'one'), join(root, 'two'));
	await apply(root, entry('one', {}, 'new'));
	t.is(readFileSync(join(root, 'two'), 'utf8'), 'old');
});

test('a folder that a layer does not name keeps its time and mode when something is put into it', async t => {
	const root = await write(t, folder('', {mtime: 5}), folder('etc', {mode: 0o555, mtime: 7}));
	await apply(root, entry('etc/new', {}, 'x'));
	const {mode, mtimeMs} = lstatSync(join(root, 'etc'));
	t.deepEqual([mode & 0o7777, mtimeMs, lstatSync(root).mtimeMs], [0o555, 7000, 5000]);
	chmodSync(join(root, 'etc'), 0o755);
});

test('nothing is written through a symbolic link', async t => {
	const outside = tempDir(t);
	const root = tempDir(t);
	symlinkSync(outside, join(root, 'way'));
	await t.throwsAsync(apply(root, entry('way/file', {}, 'x')), {
		code: 'ERR_UNSAFE_PATH',
		message: 'The image path "way" is no directory, yet something lies below it',
	});
	await t.throwsAsync(apply(root, entry('way/deep/file', {}, 'x')), {code: 'ERR_UNSAFE_PATH'});
	await apply(root, whiteout('way/x'), opaque('way'));
	t.deepEqual(readdirSync(outside), []);
});

test('a link in the place of a file is replaced, not followed', async t => {
	const outside = tempDir(t);
	writeFiles(outside, {victim: 'safe'});
	const root = tempDir(t);
	symlinkSync(join(outside, 'victim'), join(root, 'file'));
	await apply(root, entry('file', {}, 'mine'));
	t.is(readFileSync(join(outside, 'victim'), 'utf8'), 'safe');
	t.is(readFileSync(join(root, 'file'), 'utf8'), 'mine');
});

test('a hard link cannot take a file from outside', async t => {
	const outside = tempDir(t);
	writeFiles(outside, {victim: 'safe'});
	const root = tempDir(t);
	symlinkSync(outside, join(root, 'way'));
	const link = (linkname: string): LayerEntry => entry('link', {type: 'hardlink', linkname});
	await t.throwsAsync(apply(root, link('way/victim')), {code: 'ERR_UNSAFE_PATH'});
	await t.throwsAsync(apply(root, link('../victim')), {code: 'ERR_UNSAFE_PATH'});
	t.false(existsSync(join(root, 'link')));
});

const refuses = test.macro({
	async exec(t, path: string) {
		const root = tempDir(t);
		mkdirSync(join(root, 'root'));
		writeFileSync(join(root, 'beside'), 'safe');
		await t.throwsAsync(apply(join(root, 'root'), entry(path, {}, 'x')), {code: 'ERR_UNSAFE_PATH'});
		t.deepEqual(readdirSync(root), ['beside', 'root']);
		t.is(readFileSync(join(root, 'beside'), 'utf8'), 'safe');
	},
	title: (_, path) => `the path ${JSON.stringify(path)} is refused`,
});

test(refuses, '../beside');
test(refuses, '/etc/passwd');
test(refuses, 'a/../../beside');
test(refuses, 'a//b');
test(refuses, 'a/./b');
test(refuses, 'a\0b');
test(refuses, '.wh.');
test(refuses, '.wh...');
test(refuses, 'a/.wh...');

test('a symbolic link has the text that the image gives it', async t => {
	const link = (path: string, linkname: string): LayerEntry => entry(path, {type: 'symlink', linkname});
	const root = await write(t, link('absolute', '/etc/passwd'), link('up', '../../x'));
	t.deepEqual(
		['absolute', 'up'].map(path => readlinkSync(join(root, path))),
		['/etc/passwd', '../../x'],
	);
});

test('an abort stops between files', async t => {
	const signal = AbortSignal.abort(new Error('enough'));
	const entries = Array.from({length: 1000}, (_, index) => entry(`f${index}`));
	await t.throwsAsync(writeToDisk(entries, noStore, tempDir(t), {owners: false, fresh: true, signal}), {
		message: 'enough',
	});
});
