import {
	chmodSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import type {ErrorCode} from '../../../lib/core/codes.js';
import {hasCode} from '../../../lib/core/errors.js';
import type {EntryHeader, EntryType} from '../../../lib/oci/entry.js';
import {packTar} from '../../../lib/oci/tar/write.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {downloadTree, uploadTree} from '../../../lib/runtime/transport/trees.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const local = createLocalTransport();

/** Each kind of name that a folder can hold. */
function sampleTree(t: ExecutionContext, moreBytes = 0): string {
	const root = join(tempDir(t), 'source');
	mkdirSync(root);
	writeFiles(root, {a: 'hello', 'sub/deep/b': 'b', 'sub/odd\nname\\': 'odd', 'empty/': '', link: '-> ../nowhere'});
	linkSync(join(root, 'a'), join(root, 'sub/hard'));
	chmodSync(join(root, 'sub/deep/b'), 0o750);
	chmodSync(join(root, 'empty'), 0o700);
	writeFileSync(join(root, 'large'), Buffer.alloc(moreBytes, 'large'));
	utimesSync(join(root, 'a'), 1_000_000, 1_000_000);
	return root;
}

test('a folder goes to a host and comes back as it was', async t => {
	const source = sampleTree(t);
	const base = tempDir(t);
	const report = await uploadTree(local, source, join(base, 'there'));
	t.deepEqual(report, {entries: 9, sizeBytes: 9, movedBytes: 9});
	t.deepEqual(await downloadTree(local, join(base, 'there'), join(base, 'back')), {
		entries: 9,
		sizeBytes: 9,
		movedBytes: 9,
	});
	for (const name of ['there', 'back']) t.deepEqual(look(join(base, name)), look(source));
	t.is(statSync(join(base, 'back/a')).ino, statSync(join(base, 'back/sub/hard')).ino);
	t.deepEqual(readdirSync(base).toSorted(), ['back', 'there']);
});

test('set-user-id bits go to a host, and never come from one', async t => {
	const base = tempDir(t);
	writeFiles(base, {'source/run': 'x'});
	chmodSync(join(base, 'source/run'), 0o4755);
	await uploadTree(local, join(base, 'source'), join(base, 'there'));
	t.is(statSync(join(base, 'there/run')).mode & 0o7777, 0o4755);
	await downloadTree(local, join(base, 'there'), join(base, 'back'));
	t.is(statSync(join(base, 'back/run')).mode & 0o7777, 0o755);
});

test('files go beside those that are there, or in their place', async t => {
	const source = sampleTree(t);
	for (const move of [uploadTree, downloadTree] as const) {
		const base = tempDir(t);
		writeFiles(base, {'target/kept': 'kept', 'target/sub/kept': 'kept', 'target/a': 'old'});
		chmodSync(join(base, 'target'), 0o711);
		const [from, to] = [source, join(base, 'target')];
		await (move === uploadTree ? uploadTree(local, from, to) : downloadTree(local, from, to));
		t.is(readFileSync(join(base, 'target/a'), 'utf8'), 'hello');
		t.is(readFileSync(join(base, 'target/sub/kept'), 'utf8'), 'kept');
		t.is(statSync(join(base, 'target')).mode & 0o777, 0o711);
		await (move === uploadTree
			? uploadTree(local, from, to, {replace: true})
			: downloadTree(local, from, to, {replace: true}));
		t.deepEqual(look(join(base, 'target')), look(source));
		t.deepEqual(readdirSync(base), ['target']);
	}
});

test('a folder that a host has is not sent again, and what is not the same is', async t => {
	const source = sampleTree(t, 3_000_000);
	const target = join(tempDir(t), 'there');
	await uploadTree(local, source, target);
	t.is(
		(await uploadTree(local, source, target)).movedBytes,
		8,
		'files with several names or a line end in it always go',
	);
	const {mtimeMs} = statSync(join(target, 'large'));
	writeFileSync(join(target, 'large'), Buffer.alloc(3_000_000, 'LARGE'));
	utimesSync(join(target, 'large'), mtimeMs / 1000, mtimeMs / 1000);
	t.is((await uploadTree(local, source, target)).movedBytes, 3_000_009, 'same size and time prove nothing');
	t.deepEqual(look(target), look(source));
});

test('files that are there already get the wanted owner, too', async t => {
	const source = sampleTree(t, 2_000_000);
	const host = createFakeHost({files: {'/srv': {folder: true}}});
	await uploadTree(host.transport, source, '/srv/x');
	t.is((await uploadTree(host.transport, source, '/srv/x', {owner: 'etcd'})).movedBytes, 8);
	t.is(host.files.node('/srv/x/large')?.owner, 'etcd');
	const target = join(tempDir(t), 'there');
	const owner = `${process.getuid?.()}:${process.getgid?.()}`;
	await uploadTree(local, source, target);
	t.is((await uploadTree(local, source, target, {owner})).movedBytes, 8);
	const error = await t.throwsAsync(uploadTree(local, source, target, {owner: 'nobody-of-this-name'}));
	t.true(hasCode(error, 'ERR_IO'));
});

test('an upload that broke off goes on with the files that did not arrive', async t => {
	const host = createFakeHost({files: {'/srv': {folder: true}}});
	const base = tempDir(t);
	for (const name of ['a', 'b', 'c']) writeFiles(base, {[name]: name.repeat(1_000_000)});
	host.once(call => call.argv[4] === 'list', '').cutInputAfter(2_500_000);
	t.true(hasCode(await t.throwsAsync(uploadTree(host.transport, base, '/srv/x')), 'ERR_HOST_LOST'));
	t.deepEqual(host.files.node('/srv/x'), undefined);
	t.is((await uploadTree(host.transport, base, '/srv/x')).movedBytes, 1_000_000);
	t.deepEqual(host.files.list(), ['/srv/x/a', '/srv/x/b', '/srv/x/c']);
});

for (const [where, open] of [
	['a fake host', () => ({transport: createFakeHost({files: {'/srv': {folder: true}}}).transport, target: '/srv/x'})],
	['a real host', (t: ExecutionContext) => ({transport: local, target: join(tempDir(t), 'x')})],
] as const) {
	test(`what an unfinished upload to ${where} had, and the folder has no more, does not come with it`, async t => {
		const {transport, target} = open(t);
		const base = tempDir(t);
		for (const name of ['a', 'b', 'c', 'gone']) writeFiles(base, {[name]: name.repeat(1_000_000)});
		writeFiles(base, {'z/last': 'z'});
		symlinkSync('a', join(base, 'stale'));
		const broken = brokenAt(transport, 'commit');
		await t.throwsAsync(uploadTree(broken, base, target));
		rmSync(join(base, 'gone'));
		t.is((await uploadTree(transport, base, target)).movedBytes, 3_000_001);
		const got = join(tempDir(t), 'got');
		await downloadTree(transport, target, got);
		t.deepEqual(look(got), look(base));
		await t.throwsAsync(uploadTree(broken, base, target, {replace: true}));
		t.is((await uploadTree(transport, base, target, {replace: true})).movedBytes, 0);
		rmSync(join(base, 'stale'));
		await t.throwsAsync(uploadTree(broken, base, target, {replace: true}));
		for (const name of ['a', 'b', 'c']) rmSync(join(base, name));
		await uploadTree(transport, base, target, {replace: true});
		await downloadTree(transport, target, got, {replace: true});
		t.deepEqual(look(got), look(base));
	});
}

/** The same host, but one step of uploadTree does not come through. */
function brokenAt(transport: Transport, step: string): Transport {
	return {
		...transport,
		spawn: async (argv, options) => {
			if (argv[4] === step) throw new Error('broken');
			return await transport.spawn(argv, options);
		},
	};
}

test('an aborted upload or download leaves nothing', async t => {
	const source = sampleTree(t, 30_000_000);
	const base = tempDir(t);
	for (const move of [uploadTree, downloadTree]) {
		const stop = new AbortController();
		const onEvent = (): void => stop.abort(new Error('enough'));
		await t.throwsAsync(move(local, source, join(base, 'x'), {signal: stop.signal, onEvent}), {message: 'enough'});
		t.deepEqual(readdirSync(base), []);
	}
});

test('what is in the way, missing or too much is told', async t => {
	const source = sampleTree(t);
	const base = tempDir(t);
	writeFiles(base, {file: 'x'});
	const code = async (work: Promise<unknown>, wanted: ErrorCode): Promise<void> => {
		t.true(hasCode(await t.throwsAsync(work), wanted), wanted);
	};
	await code(uploadTree(local, source, join(base, 'file')), 'ERR_IO');
	await code(uploadTree(local, source, join(base, 'no/such')), 'ERR_IO');
	await code(uploadTree(local, join(base, 'file'), join(base, 'x')), 'ERR_IO');
	await code(downloadTree(local, join(base, 'absent'), join(base, 'x')), 'ERR_IO');
	await code(downloadTree(local, join(base, 'file'), join(base, 'x')), 'ERR_IO');
	await code(downloadTree(local, source, join(base, 'file')), 'ERR_IO');
	await code(downloadTree(local, source, join(base, 'x'), {maxBytes: 4}), 'ERR_CONTENT_SIZE');
	await uploadTree(local, source, join(base, 'no/such'), {makeFolders: true});
	t.deepEqual(readdirSync(base).toSorted(), ['file', 'no']);
});

test('a full disk of a host is told before and while a folder is sent', async t => {
	for (const moreBytes of [2_000_000, 100_000]) {
		const host = createFakeHost({files: {'/srv': {folder: true}}});
		host.files.freeBytes = 50_000;
		const error = await t.throwsAsync(uploadTree(host.transport, sampleTree(t, moreBytes), '/srv/x'));
		t.true(hasCode(error, 'ERR_NO_SPACE'));
		t.deepEqual(host.files.list(), []);
		t.is(host.calls.length, 1);
	}
});

test('a folder goes to a fake host and comes back', async t => {
	const source = sampleTree(t, 2_000_000);
	const base = tempDir(t);
	const host = createFakeHost({files: {'/srv/x/kept': 'kept'}});
	await uploadTree(host.transport, source, '/srv/x', {owner: 'etcd:etcd'});
	t.is(host.files.node('/srv/x/sub/deep/b')?.owner, 'etcd:etcd');
	t.is(host.files.node('/srv/x/link')?.target, '../nowhere');
	await uploadTree(host.transport, source, '/srv/x', {replace: true});
	await downloadTree(host.transport, '/srv/x', join(base, 'back'));
	t.deepEqual(look(join(base, 'back')), look(source));
});

const entry = (path: string, type: EntryType, more: Partial<EntryHeader> = {}): EntryHeader => ({
	path,
	type,
	mode: 0o777,
	uid: 0,
	gid: 0,
	size: 0,
	mtime: 0,
	...more,
});

const hostile = test.macro(async (t: ExecutionContext, code: ErrorCode, ...entries: readonly EntryHeader[]) => {
	const base = tempDir(t);
	writeFiles(base, {'outside/victim': 'untouched'});
	chmodSync(join(base, 'outside'), 0o755);
	const archive = await collect(packTar(entries.map(header => ({header}))), 1_000_000);
	const host = createFakeHost();
	host.on(call => call.argv[3] === 'sealimage-download-tree', {stdout: archive, stderr: 'sealimage status 0\n'});
	t.true(hasCode(await t.throwsAsync(downloadTree(host.transport, '/x', join(base, 'target'))), code));
	t.deepEqual(readdirSync(base), ['outside']);
	t.is(statSync(join(base, 'outside')).mode & 0o777, 0o755);
	t.is(readFileSync(join(base, 'outside/victim'), 'utf8'), 'untouched');
});

test('an archive that climbs out is refused', hostile, 'ERR_UNSAFE_PATH', entry('../outside/x', 'file'));
test(
	'an archive that goes through its own link is refused',
	hostile,
	'ERR_TAR_FORMAT',
	entry('a', 'symlink', {linkname: '../outside'}),
	entry('a/victim', 'file'),
);
test(
	'an archive that makes a folder of its own link is refused',
	hostile,
	'ERR_TAR_FORMAT',
	entry('a', 'symlink', {linkname: '../outside'}),
	entry('a', 'directory'),
);
test(
	'an archive with a hard link to what is not in it is refused',
	hostile,
	'ERR_TAR_FORMAT',
	entry('a', 'hardlink', {linkname: 'outside/victim'}),
);
test('an archive with a device is refused', hostile, 'ERR_TAR_FORMAT', entry('a', 'character'));
test('an archive with one name twice is refused', hostile, 'ERR_TAR_FORMAT', entry('a', 'file'), entry('a', 'file'));

test('a link that leads out is kept as it is, and leads nowhere while files are written', async t => {
	const base = tempDir(t);
	const archive = await collect(
		packTar([{header: entry('etc', 'symlink', {linkname: '/etc'})}, {header: entry('d/f', 'file')}]),
		1_000_000,
	);
	const host = createFakeHost();
	host.on(call => call.argv[3] === 'sealimage-download-tree', {stdout: archive, stderr: 'sealimage status 0\n'});
	await downloadTree(host.transport, '/x', join(base, 'target'));
	t.is(readlinkSync(join(base, 'target/etc')), '/etc');
});

test('an archive that is cut short is refused in the words of the host', async t => {
	const host = createFakeHost();
	const half = (await collect(packTar([{header: entry('a', 'file')}]), 10_000)).subarray(0, 300);
	const stderr = 'tar: ./a: Cannot open: Permission denied\nsealimage status 2\n';
	host.on(call => call.argv[3] === 'sealimage-download-tree', {stdout: half, stderr});
	const error = await t.throwsAsync(downloadTree(host.transport, '/x', join(tempDir(t), 'x')));
	t.true(hasCode(error, 'ERR_PERMISSION'));
});

test('files that change while they are read are a warning', async t => {
	const host = createFakeHost();
	const archive = await collect(packTar([{header: entry('a', 'file')}]), 10_000);
	const stderr = 'tar: ./a: file changed as we read it\nsealimage status 1\n';
	host.on(call => call.argv[3] === 'sealimage-download-tree', {stdout: archive, stderr});
	const codes: unknown[] = [];
	await downloadTree(host.transport, '/x', join(tempDir(t), 'x'), {
		onEvent: event => void (event.type === 'warning' && codes.push(event.code)),
	});
	t.deepEqual(codes, ['FilesChanged']);
});

/** Everything about the names below a folder that is to be kept. */
function look(root: string): unknown[] {
	const names = readdirSync(root, {recursive: true, encoding: 'utf8'}).toSorted();
	return names.map(name => {
		const facts = lstatSync(join(root, name));
		const content = facts.isFile() ? readFileSync(join(root, name), 'latin1') : '';
		const target = facts.isSymbolicLink() ? readlinkSync(join(root, name)) : '';
		const times = facts.isSymbolicLink() ? 0 : Math.floor(facts.mtimeMs / 1000);
		return [name, facts.mode, facts.isFile() ? facts.nlink : 0, times, target, content];
	});
}
