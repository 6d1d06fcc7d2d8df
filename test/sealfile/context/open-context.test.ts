import {execFileSync} from 'node:child_process';
import {
	chmodSync,
	linkSync,
	mkdirSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import type {FileSource} from '../../../lib/sealfile/context/file-source.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

function walk(source: FileSource, path = ''): string[] {
	return source
		.list(path)
		.flatMap(node =>
			node.header.type === 'directory'
				? [`${node.header.path}/`, ...walk(source, node.header.path)]
				: [node.header.path],
		);
}

test('a folder is listed in byte order, whatever the locale', t => {
	const dir = tempDir(t);
	writeFiles(dir, {b: '', B: '', 'a/x': '', 'a.b': '', é: '', '\u{10000}': '', '\uffee': ''});
	t.deepEqual(walk(openContext(dir)), ['B', 'a/', 'a/x', 'a.b', 'b', 'é', '\uffee', '\u{10000}']);
});

test('a file tells its metadata, where its content is and which file it is', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/run.sh': 'hello'});
	chmodSync(join(dir, 'sub/run.sh'), 0o6751);
	utimesSync(join(dir, 'sub/run.sh'), 1_600_000_000.75, 1_600_000_000.75);
	const node = openContext(dir).lookup('sub/run.sh');
	t.like(node?.header, {path: 'sub/run.sh', type: 'file', mode: 0o6751, size: 5, mtime: 1_600_000_000});
	t.like(node?.content, {kind: 'file', path: join(dir, 'sub/run.sh'), inode: statSync(join(dir, 'sub/run.sh')).ino});
	t.like(node?.identity, {path: join(dir, 'sub/run.sh'), size: 5, mtimeMs: 1_600_000_000_750});
	t.is(node?.linkKey, undefined);
});

test('times before 1970 are rounded down', t => {
	const dir = tempDir(t);
	writeFiles(dir, {old: ''});
	utimesSync(join(dir, 'old'), new Date(-1500), new Date(-1500));
	t.is(openContext(dir).lookup('old')?.header.mtime, -2);
});

test('an empty file has no content, a link has its text', t => {
	const dir = tempDir(t);
	writeFiles(dir, {empty: '', link: '-> ../outside'});
	const source = openContext(dir);
	t.is(source.lookup('empty')?.content, undefined);
	t.like(source.lookup('link')?.header, {type: 'symlink', linkname: '../outside', mode: 0o777, size: 0});
});

test('what is not there is undefined, below a file too', t => {
	const dir = tempDir(t);
	writeFiles(dir, {file: ''});
	const source = openContext(dir);
	t.is(source.lookup('none'), undefined);
	t.is(source.lookup('none/deep'), undefined);
	t.is(source.lookup('file/x'), undefined);
	t.is(source.lookup('n'.repeat(300)), undefined);
	t.deepEqual(source.list('none'), []);
	t.deepEqual(source.list('file'), []);
});

test('a lookup never goes through a link', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'inside/a': '', link: '-> inside', out: '-> /etc'});
	const source = openContext(dir);
	t.is(source.lookup('link/a'), undefined);
	t.is(source.lookup('out/passwd'), undefined);
	t.deepEqual(source.list('out'), []);
});

test('names of one file share a key', t => {
	const dir = tempDir(t);
	writeFiles(dir, {a: 'x'});
	linkSync(join(dir, 'a'), join(dir, 'b'));
	const source = openContext(dir);
	t.truthy(source.lookup('a')?.linkKey);
	t.is(source.lookup('a')?.linkKey, source.lookup('b')?.linkKey);
});

test('names that are not UTF-8 keep their bytes', t => {
	const dir = tempDir(t);
	const name = Buffer.from([0x61, 0xff, 0x62]);
	mkdirSync(Buffer.concat([Buffer.from(`${dir}/`), name]));
	writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), name, Buffer.from('/f\xe9', 'latin1')]), 'x');
	t.deepEqual(walk(openContext(dir)), ['a\udcffb/', 'a\udcffb/f\udce9']);
	t.is(openContext(dir).lookup('a\udcffb/f\udce9')?.header.size, 1);
});

test('a name with a newline is a name', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'a\nb': 'x', ' ': 'y'});
	t.deepEqual(walk(openContext(dir)), ['a\nb', ' '].sort());
});

test('a pipe is an entry, a socket is marked', async t => {
	const dir = tempDir(t);
	execFileSync('mkfifo', [join(dir, 'pipe')]);
	const server = createServer();
	await new Promise<void>(resolve => server.listen(join(dir, 'socket'), resolve));
	const source = openContext(dir);
	t.is(source.lookup('pipe')?.header.type, 'fifo');
	t.is(source.lookup('socket')?.problem, 'socket');
	await new Promise(resolve => server.close(resolve));
});

test('ignored files are not there', t => {
	const dir = tempDir(t);
	writeFiles(dir, {a: '', 'b.md': '', 'sub/c.md': '', 'sub/d': '', 'node_modules/x/y': ''});
	const source = openContext(dir, {ignore: {patterns: ['**/*.md', 'node_modules'], files: []}});
	t.deepEqual(walk(source), ['a', 'sub/', 'sub/d']);
	t.is(source.lookup('node_modules'), undefined);
	t.is(source.lookup('node_modules/x/y'), undefined);
	t.is(source.lookup('sub/c.md'), undefined);
	t.true(source.excludes('sub/c.md'));
});

test('an excluded folder is walked for what is brought back, and only implied', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/file': '', 'sub/other': '', 'empty/x': '', 'deep/er/file': '', top: ''});
	const source = openContext(dir, {
		ignore: {patterns: ['**', '!sub/file', '!empty/nothing', '!deep/**/file'], files: []},
	});
	t.deepEqual(walk(source), ['deep/', 'deep/er/', 'deep/er/file', 'sub/', 'sub/file']);
	t.true(source.lookup('sub')?.implied);
	t.true(source.lookup('deep/er')?.implied);
	t.is(source.lookup('empty'), undefined);
	t.is(source.lookup('')?.header.type, 'directory');
});

test('folders below folders that are excluded count only when something is in them', t => {
	const dir = tempDir(t);
	const deep = Array.from({length: 600}, () => 'd').join('/');
	writeFiles(dir, {
		[`one/${deep}/keep`]: '',
		[`two/${deep}/drop`]: '',
		'three/a/x': '',
		'three/b/keep': '',
		'three/c/x': '',
	});
	const source = openContext(dir, {ignore: {patterns: ['**', '!**/keep'], files: []}});
	t.deepEqual(
		source.list('').map(node => node.header.path),
		['one', 'three'],
	);
	t.deepEqual(
		source.list('three').map(node => node.header.path),
		['three/b'],
	);
	t.is(source.lookup(`two/${deep}`), undefined);
	t.true(source.lookup(`one/${deep}`)?.implied);
});

test('a rule that brings back a folder brings all of it', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/keep/a': '', 'sub/keep/b/c': '', 'sub/x': ''});
	const source = openContext(dir, {ignore: {patterns: ['sub', '!sub/keep'], files: []}});
	t.deepEqual(walk(source), ['sub/', 'sub/keep/', 'sub/keep/a', 'sub/keep/b/', 'sub/keep/b/c']);
	t.is(source.lookup('sub/keep')?.implied, undefined);
});

test('a folder swapped for a link while it is walked is noticed', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'ctx/sub/a': '', 'outside/a': 'secret'});
	const source = openContext(join(dir, 'ctx'));
	t.is(source.list('').length, 1);
	renameSync(join(dir, 'ctx/sub'), join(dir, 'moved'));
	symlinkSync('../outside', join(dir, 'ctx/sub'));
	t.throws(() => source.list('sub'), {code: 'ERR_CONTEXT', message: /changed while it was looked at/});
	t.throws(() => source.lookup('sub/a'), {code: 'ERR_CONTEXT'});
});

test('a folder swapped for another folder while it is walked is noticed', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'ctx/up/sub/a': '', 'outside/sub/a': 'secret'});
	const source = openContext(join(dir, 'ctx'));
	source.list('up');
	renameSync(join(dir, 'ctx/up'), join(dir, 'moved'));
	symlinkSync('../outside', join(dir, 'ctx/up'));
	t.throws(() => source.list('up/sub'), {code: 'ERR_CONTEXT'});
});

test('a file or folder that this user may not read is refused by name', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'secret.txt': 'x', 'closed/x': '', open: ''});
	chmodSync(join(dir, 'secret.txt'), 0o000);
	chmodSync(join(dir, 'closed'), 0o000);
	const isRoot = process.geteuid!() === 0;
	if (isRoot) chmodSync(dir, 0o755);
	const source = openContext(dir);
	if (isRoot) process.seteuid!(65534);
	try {
		t.is(source.lookup('secret.txt')?.problem, 'unreadable');
		t.is(source.lookup('open')?.problem, undefined);
		t.throws(() => source.list('closed'), {code: 'ERR_PERMISSION', message: /closed/});
	} finally {
		if (isRoot) process.seteuid!(0);
		chmodSync(join(dir, 'closed'), 0o755);
	}
});

test('a missing context is refused', t => {
	const dir = tempDir(t);
	writeFiles(dir, {file: ''});
	t.throws(() => openContext(join(dir, 'none')), {code: 'ERR_CONTEXT'});
	t.throws(() => openContext(join(dir, 'file')), {code: 'ERR_CONTEXT'});
});

/** A clock that is ahead makes every folder look settled, so that folders are looked at by path. */
const later = (): number => Date.now() + 60_000;

test('what is looked at by path is looked at again when a folder was swapped for a link meanwhile', async t => {
	const outside = tempDir(t);
	writeFiles(outside, {f: 'secret'});
	const dir = tempDir(t);
	writeFiles(dir, {'a/f': 'mine!'});
	// The clock of file systems ticks every few milliseconds; a real settled folder is much older than a tick.
	await new Promise(resolve => setTimeout(resolve, 50));
	const source = openContext(dir, {now: later});
	let looks = 0;
	const look = async (): Promise<number | undefined> => {
		looks++;
		source.lookup('a');
		if (looks > 1) return source.lookup('a/f')?.header.size;
		renameSync(join(dir, 'a'), join(dir, 'b'));
		symlinkSync(outside, join(dir, 'a'));
		const stolen = source.lookup('a/f')?.header.size;
		rmSync(join(dir, 'a'));
		renameSync(join(dir, 'b'), join(dir, 'a'));
		return stolen;
	};
	t.is(await source.surely!(look), 5);
	t.is(looks, 2);
});

test('an undisturbed source is looked at once', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'a/f': 'x'});
	const source = openContext(dir, {now: later});
	let looks = 0;
	const names = await source.surely!(async () => {
		looks++;
		return source.list('a').map(node => node.header.path);
	});
	t.deepEqual([names, looks], [['a/f'], 1]);
});
