import {execFileSync} from 'node:child_process';
import {chmodSync, linkSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {emptyTree, lookup} from '../../../lib/oci/tree/tree.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {treeSource} from '../../../lib/sealfile/context/tree-source.js';
import {resolveCopy} from '../../../lib/sealfile/copy/resolve-copy.js';
import {ab, copy, copyFrom, refusing} from '../../helpers/copy-case.js';
import {imageTree, listEntries} from '../../helpers/image-tree.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

// Owners and modes
test('files of the context belong to root, made folders are 0755 from the beginning of time', async t => {
	const result = await copy(t, {context: ab, request: {sources: ['a'], destination: '/new/dir/'}});
	t.deepEqual(
		result.entries.map(({header: {path, mode, uid, gid, mtime}}) => [path, mode, uid, gid, mtime]),
		[
			['new', 0o755, 0, 0, 0],
			['new/dir', 0o755, 0, 0, 0],
			['new/dir/a', 0o644, 0, 0, 1000],
		],
	);
});
test('--chown and --chmod hold for made folders too, not for those that are there', async t => {
	const result = await copy(t, {
		context: {'d/f': '', 'd/l': '-> f'},
		image: {'x/': ''},
		request: {sources: ['d'], destination: '/x/y/z', chown: '5:6', chmod: '0777'},
	});
	t.deepEqual(listEntries(result.entries), [
		'x/y directory 777 5:6',
		'x/y/z directory 777 5:6',
		'x/y/z/f file 777 5:6',
		'x/y/z/l symlink 777 5:6 -> f',
	]);
});
test('--chown by name reads the destination', async t => {
	const image = imageTree({'etc/passwd': 'app:x:101:201::/:\n'});
	const readFile = async (path: string): Promise<Uint8Array | undefined> => {
		const content = lookup(image, path)?.content;
		return content?.kind === 'bytes' ? content.bytes : undefined;
	};
	t.deepEqual(
		await copyFrom({f: 'x'}, {sources: ['f'], destination: '/f', chown: 'app', link: true}, image, {readFile}),
		['f file 644 101:201 = x'],
	);
});
test('owners are kept from a stage, --chown changes them', async t => {
	const files = {'d/f': {uid: 5, gid: 6, text: 'x'}, 'd/s/': {type: 'directory', uid: 7, gid: 8}} as const;
	t.deepEqual(await copyFrom(files, {sources: ['/d'], destination: '/d'}), [
		'd directory 755 0:0',
		'd/f file 644 5:6 = x',
		'd/s directory 755 7:8',
	]);
	t.deepEqual(await copyFrom(files, {sources: ['/d'], destination: '/d', chown: '1'}), [
		'd directory 755 1:1',
		'd/f file 644 1:1 = x',
		'd/s directory 755 1:1',
	]);
});
test('setuid, setgid and sticky bits of the context are kept', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {f: 'x', 'd/': ''});
	chmodSync(join(dir, 'f'), 0o6755);
	chmodSync(join(dir, 'd'), 0o1777);
	const {entries} = await resolveCopy({sources: ['.'], destination: '/'}, openContext(dir), emptyTree);
	t.deepEqual(listEntries(entries, dir), ['d directory 1777 0:0', 'f file 6755 0:0 @ f']);
});
test('later times become SOURCE_DATE_EPOCH, made folders get it', async t => {
	const result = await copy(t, {
		context: {a: ''},
		request: {sources: ['a'], destination: '/n/'},
		options: {sourceDateEpoch: 500},
	});
	t.deepEqual(
		result.entries.map(({header}) => header.mtime),
		[500, 500],
	);
	const earlier = await copy(t, {
		context: {a: ''},
		request: {sources: ['a'], destination: '/n/'},
		options: {sourceDateEpoch: 5000},
	});
	t.deepEqual(
		earlier.entries.map(({header}) => header.mtime),
		[5000, 1000],
	);
});

// Special files, hard links, attributes
test('hard links inside one copy stay hard links of the first name', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'d/z': 'x', 'd/other': 'x'});
	linkSync(join(dir, 'd/z'), join(dir, 'd/a'));
	const {entries} = await resolveCopy({sources: ['d'], destination: '/'}, openContext(dir), emptyTree);
	t.deepEqual(listEntries(entries, dir), [
		'a file 644 0:0 @ d/a',
		'other file 644 0:0 @ d/other',
		'z hardlink 644 0:0 -> a',
	]);
	t.is(entries[2]?.header.size, 0);
});
test('hard links of a stage stay hard links', async t => {
	const content = {kind: 'bytes', bytes: Buffer.from('x')} as const;
	const header = {type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 0} as const;
	const tree = imageTree({});
	const children = new Map(['a', 'b'].map(path => [path, {header: {...header, path}, content}]));
	const source = treeSource({root: {...tree.root, children}}, 'stage base');
	const {entries} = await resolveCopy({sources: ['/'], destination: '/'}, source, emptyTree);
	t.deepEqual(listEntries(entries), ['a file 644 0:0 = x', 'b hardlink 644 0:0 -> a']);
});
test('devices, pipes and attributes are kept from a stage', async t => {
	const files = {
		'd/null': {type: 'character', devmajor: 1, devminor: 3, mode: 0o666},
		'd/pipe': {type: 'fifo'},
		'd/ping': {text: 'x', xattrs: {'security.capability': Buffer.from([1, 0, 2])}},
	} as const;
	const source = treeSource(imageTree(files), 'stage base');
	const {entries} = await resolveCopy({sources: ['d'], destination: '/d'}, source, emptyTree);
	t.like(
		entries.map(({header}) => header),
		[
			{path: 'd'},
			{path: 'd/null', type: 'character', devmajor: 1, devminor: 3},
			{path: 'd/ping', xattrs: {'security.capability': Buffer.from([1, 0, 2])}},
			{path: 'd/pipe', type: 'fifo'},
		],
	);
});
test('a pipe of the context is copied, a socket left out with a warning', async t => {
	const dir = tempDir(t);
	execFileSync('mkfifo', [join(dir, 'pipe')]);
	const server = createServer();
	await new Promise<void>(resolve => server.listen(join(dir, 'socket'), resolve));
	const {entries, warnings} = await resolveCopy({sources: ['.'], destination: '/'}, openContext(dir), emptyTree);
	await new Promise(resolve => server.close(resolve));
	t.like(entries, [{header: {path: 'pipe', type: 'fifo'}}]);
	t.deepEqual(warnings, [{code: 'SocketSkipped', message: 'The socket "socket" of the build context is left out'}]);
});
test(
	'a whiteout name is refused',
	refusing,
	{context: {'d/.wh.x': ''}, request: {sources: ['d'], destination: '/'}},
	'ERR_LAYER_ENTRY',
	/\.wh\.x/,
);
test(
	'a whiteout name as destination is refused',
	refusing,
	{context: {a: ''}, request: {sources: ['a'], destination: '/.wh.a'}},
	'ERR_LAYER_ENTRY',
);
