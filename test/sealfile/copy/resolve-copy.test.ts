import {execFileSync} from 'node:child_process';
import {chmodSync, linkSync, utimesSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {emptyTree, type ImageTree, lookup} from '../../../lib/oci/tree.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {treeSource} from '../../../lib/sealfile/context/tree-source.js';
import {resolveCopy} from '../../../lib/sealfile/copy/resolve-copy.js';
import type {CopyOptions, CopyRequest, CopyResult} from '../../../lib/sealfile/copy/types.js';
import {imageTree, listEntries, type TreeEntry} from '../../helpers/image-tree.js';
import {type FileTree, tempDir, writeFiles} from '../../helpers/temp-dir.js';

interface Case {
	readonly context?: FileTree;
	/** The destination. */
	readonly image?: Readonly<Record<string, TreeEntry | string>>;
	readonly request: Partial<CopyRequest> & {readonly destination: string};
	readonly ignore?: readonly string[];
	readonly options?: CopyOptions;
}

async function copy(
	t: ExecutionContext,
	{context = {}, image = {}, request, ignore, options}: Case,
): Promise<CopyResult> {
	const dir = tempDir(t);
	chmodSync(dir, 0o755);
	writeFiles(dir, context);
	for (const path of Object.keys(context))
		if (!context[path]?.startsWith('-> ')) utimesSync(join(dir, path), 1000, 1000);
	const source = openContext(dir, ignore === undefined ? {} : {ignore: {patterns: ignore, files: []}});
	return resolveCopy({sources: ['.'], ...request}, source, imageTree(image), options);
}

/** From one tree to another, contents shown as text. */
async function copyFrom(
	files: Readonly<Record<string, TreeEntry | string>>,
	request: CopyRequest,
	image: ImageTree = emptyTree,
	options: CopyOptions = {},
): Promise<string[]> {
	return listEntries((await resolveCopy(request, treeSource(imageTree(files), 'stage base'), image, options)).entries);
}

const names = (result: CopyResult): string[] => result.entries.map(({header}) => header.path);

const naming = test.macro<[Case, readonly string[]]>({
	async exec(t, given, expected) {
		t.deepEqual(names(await copy(t, given)), expected);
	},
	title: title => title ?? '',
});

const refusing = test.macro<[Case, string, RegExp?]>({
	async exec(t, given, code, message) {
		await t.throwsAsync(copy(t, given), {code, ...(message === undefined ? {} : {message})});
	},
	title: title => title ?? '',
});

const ab = {a: '1', 'dir/b': '2', 'dir/sub/c': '3'};

// Sources
test('an empty source is the whole context', naming, {context: ab, request: {sources: [''], destination: '/x'}}, [
	'x',
	'x/a',
	'x/dir',
	'x/dir/b',
	'x/dir/sub',
	'x/dir/sub/c',
]);
test(
	'a source cannot leave the context',
	naming,
	{context: ab, request: {sources: ['../../a', '/dir/../../a'], destination: '/x/'}},
	['x', 'x/a'],
);
test(
	'a slash at the end of a source does not matter',
	naming,
	{context: ab, request: {sources: ['dir/'], destination: '/x'}},
	['x', 'x/b', 'x/sub', 'x/sub/c'],
);
test(
	'a missing source is refused by name',
	refusing,
	{context: ab, request: {sources: ['a', 'none'], destination: '/x/'}},
	'ERR_COPY_SOURCE',
	/^"none" is not in the build context$/,
);
test(
	'a missing source below a file is refused',
	refusing,
	{context: ab, request: {sources: ['a/b'], destination: '/x/'}},
	'ERR_COPY_SOURCE',
);
test(
	'a link to nowhere as source is refused',
	refusing,
	{context: {l: '-> none'}, request: {sources: ['l'], destination: '/x'}},
	'ERR_COPY_SOURCE',
);
test(
	'an absolute link of the context stays in the context',
	naming,
	{context: {...ab, l: '-> /dir'}, request: {sources: ['l'], destination: '/x'}},
	['x', 'x/b', 'x/sub', 'x/sub/c'],
);
test(
	'a link that climbs out of the context ends at its root',
	refusing,
	{context: {l: '-> ../../../etc/passwd'}, request: {sources: ['l'], destination: '/x'}},
	'ERR_COPY_SOURCE',
);
test(
	'a link loop as source is refused',
	refusing,
	{context: {a: '-> b', b: '-> a'}, request: {sources: ['a'], destination: '/x'}},
	'ERR_SYMLINK_LOOP',
);
test(
	'a remote source is refused by COPY',
	refusing,
	{request: {sources: ['https://host/x.git'], destination: '/x'}},
	'ERR_COPY_SOURCE',
);
test(
	'a git source is refused by COPY',
	refusing,
	{request: {sources: ['git@host:x'], destination: '/x'}},
	'ERR_COPY_SOURCE',
);

// Wildcards
test(
	'a wildcard takes what it matches in byte order',
	naming,
	{context: {'b.txt': '', 'a.txt': '', 'c.md': '', 'd/e.txt': ''}, request: {sources: ['*.txt'], destination: '/x/'}},
	['x', 'x/a.txt', 'x/b.txt'],
);
test(
	'** goes through folders',
	naming,
	{context: {'a.txt': '', 'd/e/f.txt': '', 'd/g.md': ''}, request: {sources: ['**/*.txt'], destination: '/x/'}},
	['x', 'x/a.txt', 'x/f.txt'],
);
test(
	'a wildcard in the middle',
	naming,
	{context: {'a/x/1': '', 'b/x/2': '', 'c/y/3': ''}, request: {sources: ['*/x'], destination: '/o'}},
	['o', 'o/1', 'o/2'],
);
test(
	'a bracket hides a wildcard',
	naming,
	{context: {'arr[0].txt': '', 'arr0.txt': ''}, request: {sources: ['arr[[]0].txt'], destination: '/x/'}},
	['x', 'x/arr[0].txt'],
);
test(
	'a backslash hides a wildcard',
	naming,
	{context: {'*': '', a: ''}, request: {sources: ['\\*'], destination: '/x/'}},
	['x', 'x/*'],
);
test(
	'an empty wildcard beside a source that exists is nothing',
	naming,
	{context: ab, request: {sources: ['*.none', 'a'], destination: '/x/'}},
	['x', 'x/a'],
);
test(
	'a malformed wildcard is refused',
	refusing,
	{context: ab, request: {sources: ['[a'], destination: '/x/'}},
	'ERR_PATTERN',
);
test(
	'a wildcard that matches one file may name the destination',
	naming,
	{context: ab, request: {sources: ['a*'], destination: '/x'}},
	['x'],
);
test(
	'a wildcard follows links that it matches',
	naming,
	{context: {'d/f': '', l1: '-> d', l2: '-> d/f'}, request: {sources: ['l*'], destination: '/x/'}},
	['x', 'x/f', 'x/l2'],
);

test('wildcards that all match nothing give an empty layer and a warning', async t => {
	const result = await copy(t, {context: ab, request: {sources: ['*.x', 'no*'], destination: '/x/'}});
	t.deepEqual(result.entries, []);
	t.like(result.warnings, [{code: 'EmptyWildcard', message: 'Nothing in the build context matches "*.x", "no*"'}]);
});
test(
	'wildcards that all match nothing are refused as by buildah',
	refusing,
	{context: ab, request: {sources: ['*.x'], destination: '/x/'}, options: {compat: 'buildah'}},
	'ERR_COPY_SOURCE',
);

test('a later source overwrites an earlier one silently', async t => {
	const result = await copy(t, {
		context: {'one/f': '1', 'two/f': '22'},
		request: {sources: ['one/f', 'two/f'], destination: '/x/'},
	});
	t.deepEqual(
		result.entries.map(({header}) => [header.path, header.size]),
		[
			['x', 0],
			['x/f', 2],
		],
	);
	t.deepEqual(result.warnings, []);
});

// Destination
test(
	'a file to a path without a slash takes that name',
	naming,
	{context: ab, request: {sources: ['a'], destination: '/x'}},
	['x'],
);
test(
	'a file to a path with a slash goes inside',
	naming,
	{context: ab, request: {sources: ['a'], destination: '/x/'}},
	['x', 'x/a'],
);
test(
	'a file to a folder that is there goes inside',
	naming,
	{context: ab, image: {'x/': ''}, request: {sources: ['a'], destination: '/x'}},
	['x/a'],
);
test(
	'several sources make the destination a folder',
	naming,
	{context: ab, request: {sources: ['a', 'dir/b'], destination: '/x'}},
	['x', 'x/a', 'x/b'],
);
test(
	'a relative destination starts at the WORKDIR',
	naming,
	{context: ab, request: {sources: ['a'], destination: 'x', workingDir: '/w/d'}},
	['w', 'w/d', 'w/d/x'],
);
test(
	'a dot as destination is the WORKDIR',
	naming,
	{context: ab, request: {sources: ['a'], destination: '.', workingDir: '/w'}},
	['w', 'w/a'],
);
test(
	'an empty destination is the WORKDIR',
	naming,
	{context: ab, request: {sources: ['a'], destination: '', workingDir: '/w'}},
	['w', 'w/a'],
);
test(
	'a destination cannot leave the image',
	naming,
	{context: ab, request: {sources: ['a'], destination: '../../../x'}},
	['x'],
);
test('the root of the image is never made', naming, {context: ab, request: {sources: ['dir'], destination: '/'}}, [
	'b',
	'sub',
	'sub/c',
]);
test(
	'folders on the way are made when they are missing',
	naming,
	{context: ab, image: {'usr/': ''}, request: {sources: ['a'], destination: '/usr/local/bin/a'}},
	['usr/local', 'usr/local/bin', 'usr/local/bin/a'],
);

// Folders
test('a folder gives its contents', naming, {context: ab, request: {sources: ['dir'], destination: '/x'}}, [
	'x',
	'x/b',
	'x/sub',
	'x/sub/c',
]);
test('an empty folder is copied', naming, {context: {'e/': ''}, request: {sources: ['e'], destination: '/x'}}, ['x']);
test(
	'a destination that is there is not made again',
	naming,
	{context: ab, image: {'x/': ''}, request: {sources: ['dir'], destination: '/x'}},
	['x/b', 'x/sub', 'x/sub/c'],
);

test('a new destination gets the mode of the source folder and belongs to root', async t => {
	t.deepEqual(
		await copyFrom(
			{
				'src/': {type: 'directory', mode: 0o2750, uid: 101, gid: 201},
				'src/sub/': {type: 'directory', mode: 0o700, uid: 101, gid: 201},
				'src/sub/f': {uid: 7, gid: 8, mode: 0o4755},
			},
			{sources: ['src'], destination: '/dir'},
		),
		['dir directory 2750 0:0', 'dir/sub directory 700 101:201', 'dir/sub/f file 4755 7:8'],
	);
});

// Conflicts
test(
	'a folder over a file is refused',
	refusing,
	{context: ab, image: {x: 'file'}, request: {sources: ['dir'], destination: '/x'}},
	'ERR_COPY_CONFLICT',
);
test(
	'a folder over a file deep inside is refused',
	refusing,
	{context: ab, image: {'x/sub': 'file'}, request: {sources: ['dir'], destination: '/x'}},
	'ERR_COPY_CONFLICT',
	/\/x\/sub/,
);
test(
	'a file over a folder is refused',
	refusing,
	{context: {a: '', 'd/a': ''}, image: {'x/a/': ''}, request: {sources: ['a'], destination: '/x/'}},
	'ERR_COPY_CONFLICT',
	/\/x\/a/,
);
test(
	'a file on the way is refused',
	refusing,
	{context: ab, image: {x: 'file'}, request: {sources: ['a'], destination: '/x/y/z'}},
	'ERR_COPY_CONFLICT',
	/\/x/,
);
test(
	'a file as folder is refused',
	refusing,
	{context: ab, image: {x: 'file'}, request: {sources: ['a'], destination: '/x/'}},
	'ERR_COPY_CONFLICT',
);

test('a link replaces a folder, and a folder a link, with a warning', async t => {
	const first = await copy(t, {
		context: {'s/l': '-> elsewhere'},
		image: {'x/l/f': ''},
		request: {sources: ['s'], destination: '/x'},
	});
	t.deepEqual(
		first.entries.map(({header}) => [header.path, header.type]),
		[['x/l', 'symlink']],
	);
	t.like(first.warnings, [{code: 'CopyReplacesLink', message: 'The directory /x/l is replaced by a symlink'}]);
	const second = await copy(t, {
		context: {'s/l/f': ''},
		image: {'x/l': '-> elsewhere'},
		request: {sources: ['s'], destination: '/x'},
	});
	t.deepEqual(
		second.entries.map(({header}) => [header.path, header.type]),
		[
			['x/l', 'directory'],
			['x/l/f', 'file'],
		],
	);
	t.like(second.warnings, [{code: 'CopyReplacesLink'}]);
});

test('what was below a folder that a link replaced does not come back with the next folder', async t => {
	const result = await copy(t, {
		context: {'one/l/own': '', 'two/l': '-> t', 'three/l/new': ''},
		image: {'x/l/old': ''},
		request: {sources: ['one', 'two', 'three'], destination: '/x'},
	});
	t.deepEqual(names(result), ['x/l', 'x/l/.wh..wh..opq', 'x/l/new']);
});

// Links in the destination
test(
	'a destination through a link is followed',
	naming,
	{context: ab, image: {lib: '-> usr/lib', 'usr/lib/': ''}, request: {sources: ['a'], destination: '/lib/'}},
	['usr/lib/a'],
);
test(
	'a destination that is a link to a file is followed',
	naming,
	{context: ab, image: {l: '-> /etc/real', 'etc/real': ''}, request: {sources: ['a'], destination: '/l'}},
	['etc/real'],
);
test(
	'a link inside the destination folder is replaced, not followed',
	naming,
	{context: ab, image: {'x/a': '-> /etc/real', 'etc/real': ''}, request: {sources: ['a'], destination: '/x/'}},
	['x/a'],
);
test(
	'a dangling link is made real at its target',
	naming,
	{context: ab, image: {l: '-> /not/there'}, request: {sources: ['a'], destination: '/l/'}},
	['not', 'not/there', 'not/there/a'],
);
test(
	'a link out of the image stays inside',
	naming,
	{context: ab, image: {l: '-> ../../../../out'}, request: {sources: ['a'], destination: '/l'}},
	['out'],
);
test(
	'.. is taken away before links are followed',
	naming,
	{
		context: ab,
		image: {'d/l': '-> /other/deep', 'other/deep/': '', 'd/x/': ''},
		request: {sources: ['a'], destination: '/d/l/../x/'},
	},
	['d/x/a'],
);
test(
	'a linked copy follows nothing and brings its folders',
	naming,
	{
		context: ab,
		image: {lib: '-> usr/lib', 'usr/lib/': ''},
		request: {sources: ['a'], destination: '/lib/', link: true},
	},
	['lib', 'lib/a'],
);
test(
	'a linked copy with --chmod is a copy like any other',
	naming,
	{
		context: ab,
		image: {lib: '-> usr/lib', 'usr/lib/': ''},
		request: {sources: ['a'], destination: '/lib/', link: true, chmod: '600'},
	},
	['usr/lib/a'],
);

// Links in the source
test('a link named directly is followed and keeps its name', async t => {
	const result = await copy(t, {context: {bar: 'bytes', foo: '-> bar'}, request: {sources: ['foo'], destination: '/'}});
	t.like(result.entries, [{header: {path: 'foo', type: 'file', size: 5}}]);
});
test('links inside a folder are kept, a folder behind a named link is copied', async t => {
	const context = {'parent/real/f': '', 'parent/link': '-> real'};
	const kept = await copy(t, {context, request: {sources: ['parent/'], destination: '/x'}});
	t.like(
		kept.entries.find(({header}) => header.path === 'x/link'),
		{header: {type: 'symlink', linkname: 'real'}},
	);
	const followed = await copy(t, {context, request: {sources: ['parent/link/'], destination: '/x'}});
	t.deepEqual(names(followed), ['x', 'x/f']);
});

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

// Ignore rules
test(
	'everything ignored is an empty but successful copy',
	naming,
	{context: ab, ignore: ['**'], request: {destination: '/'}},
	[],
);
test(
	'only what is brought back is copied',
	naming,
	{context: {'sub/file': '', 'sub/no': '', a: ''}, ignore: ['**', '!sub/file'], request: {destination: '/x'}},
	['x', 'x/sub', 'x/sub/file'],
);
test('a folder that is ignored itself is made like any missing folder', async t => {
	const result = await copy(t, {context: {'sub/file': ''}, ignore: ['sub', '!sub/file'], request: {destination: '/'}});
	t.like(result.entries[0]?.header, {path: 'sub', mode: 0o755, mtime: 0});
});
test('a named source that is ignored is missing, and the hint says why', async t => {
	const error = await t.throwsAsync(
		copy(t, {context: ab, ignore: ['a'], request: {sources: ['a'], destination: '/x'}}),
		{code: 'ERR_COPY_SOURCE'},
	);
	t.like(error, {
		hint: 'It is excluded by the ignore file: remove the pattern, or bring it back with an exclamation mark.',
	});
});
test('ignore rules do not hold for --from', async t => {
	t.deepEqual(await copyFrom({Sealfile: 'x'}, {sources: ['Sealfile'], destination: '/'}), [
		'Sealfile file 644 0:0 = x',
	]);
});

// --exclude
const many = {'d/a.md': '', 'd/b.txt': '', 'd/sub/c.md': '', 'd/sub/d.txt': '', 'e.md': ''};
test(
	'--exclude is relative to the copied folder',
	naming,
	{context: many, request: {sources: ['d'], destination: '/x', exclude: ['*.md']}},
	['x', 'x/b.txt', 'x/sub', 'x/sub/c.md', 'x/sub/d.txt'],
);
test(
	'--exclude goes deep with **',
	naming,
	{context: many, request: {sources: ['d'], destination: '/x', exclude: ['**/*.md']}},
	['x', 'x/b.txt', 'x/sub', 'x/sub/d.txt'],
);
test(
	'--exclude may be given often and brings back',
	naming,
	{context: many, request: {sources: ['d'], destination: '/x', exclude: ['sub', '*.txt', '!sub/c.md']}},
	['x', 'x/a.md', 'x/sub', 'x/sub/c.md'],
);
test(
	'--exclude holds for files that are named or matched',
	naming,
	{context: many, request: {sources: ['*.md', 'd'], destination: '/x/', exclude: ['*.md']}},
	['x', 'x/b.txt', 'x/sub', 'x/sub/c.md', 'x/sub/d.txt'],
);
test(
	'a malformed --exclude is refused',
	refusing,
	{context: many, request: {sources: ['d'], destination: '/x', exclude: ['[']}},
	'ERR_PATTERN',
);

// --parents
const deep = {'a/b/c/f': '', 'a/b/g': '', 'x/b/c/h': ''};
test(
	'--parents keeps the path',
	naming,
	{context: deep, request: {sources: ['a/b/c/f'], destination: '/o', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/c', 'o/a/b/c/f'],
);
test(
	'--parents keeps the path of a folder',
	naming,
	{context: deep, request: {sources: ['a/b'], destination: '/o', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/c', 'o/a/b/c/f', 'o/a/b/g'],
);
test(
	'--parents is cut at the first pivot',
	naming,
	{context: deep, request: {sources: ['a/./b/./c'], destination: '/o', parents: true}},
	['o', 'o/b', 'o/b/c', 'o/b/c/f'],
);
test(
	'a dot at the end is no pivot',
	naming,
	{context: deep, request: {sources: ['a/b/c/.'], destination: '/o', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/c', 'o/a/b/c/f'],
);
test(
	'a dot at the start is no pivot',
	naming,
	{context: deep, request: {sources: ['./a/b/g'], destination: '/o', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/g'],
);
test(
	'--parents with wildcards keeps the paths of matches',
	naming,
	{context: deep, request: {sources: ['*/./b/*/*'], destination: '/o', parents: true}},
	['o', 'o/b', 'o/b/c', 'o/b/c/f', 'o/b/c/h'],
);
test(
	'--parents merges two inputs into one tree',
	naming,
	{context: deep, request: {sources: ['a/b/g', 'a/b/c/f'], destination: '/o/', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/c', 'o/a/b/c/f', 'o/a/b/g'],
);
test(
	'--parents refuses a missing source',
	refusing,
	{context: deep, request: {sources: ['a/none'], destination: '/o', parents: true}},
	'ERR_COPY_SOURCE',
);
test(
	'--parents accepts an empty wildcard beside others',
	naming,
	{context: deep, request: {sources: ['a/none*', 'a/b/g'], destination: '/o', parents: true}},
	['o', 'o/a', 'o/a/b', 'o/a/b/g'],
);
test('--parents makes folders like those of the source', async t => {
	t.deepEqual(
		await copyFrom(
			{
				'p/': {type: 'directory', mode: 0o700, uid: 5, gid: 5},
				'p/q/': {type: 'directory', mode: 0o711, uid: 6, gid: 6},
				'p/q/f': 'x',
			},
			{sources: ['p/q/f'], destination: '/o', parents: true},
		),
		['o directory 755 0:0', 'o/p directory 700 5:5', 'o/p/q directory 711 6:6', 'o/p/q/f file 644 0:0 = x'],
	);
});

// Heredocs
const inline = {name: 'EOF', bytes: Buffer.from('hi')};
test('a file in the Sealfile goes to the named path', async t => {
	const {entries} = await copy(t, {request: {sources: [], inlineFiles: [inline], destination: '/etc/motd'}});
	t.deepEqual(listEntries(entries), ['etc directory 755 0:0', 'etc/motd file 644 0:0 = hi']);
});
test(
	'files in the Sealfile go into a folder under their names, beside others',
	naming,
	{
		context: ab,
		request: {sources: ['a'], inlineFiles: [inline, {name: 'two', bytes: Buffer.from('')}], destination: '/etc'},
	},
	['etc', 'etc/EOF', 'etc/a', 'etc/two'],
);
test('--chown and --chmod hold for files in the Sealfile', async t => {
	const {entries} = await copy(t, {
		request: {sources: [], inlineFiles: [inline], destination: '/m', chown: '3', chmod: 'u+x'},
	});
	t.deepEqual(listEntries(entries), ['m file 744 3:3 = hi']);
});

// What the engine relies on
test('facts tell where a copy writes and what was there', async t => {
	const image = {lib: '-> usr/lib', 'usr/lib/': ''};
	t.deepEqual(
		(await copy(t, {context: ab, image, request: {sources: ['a'], destination: '/lib/x/y'}})).destinationFacts,
		{path: 'usr/lib/x/y', existingDepth: 2, wholeTree: false},
	);
	t.deepEqual(
		(await copy(t, {context: ab, image, request: {sources: ['a'], destination: '/lib/x', link: true}}))
			.destinationFacts,
		{path: 'lib/x', existingDepth: 0, wholeTree: false},
	);
});
test('the layer is the same over any image that has the folders on the way', async t => {
	const dir = tempDir(t);
	writeFiles(dir, ab);
	const one = await resolveCopy({sources: ['dir'], destination: '/x'}, openContext(dir), imageTree({'x/': ''}));
	const other = await resolveCopy(
		{sources: ['dir'], destination: '/x'},
		openContext(dir),
		imageTree({'x/sub/old': '', y: ''}),
	);
	t.deepEqual(one, other);
});
test('an abort ends a copy with its reason', async t => {
	const reason = new Error('enough');
	await t.throwsAsync(
		copy(t, {context: ab, request: {destination: '/x'}, options: {signal: AbortSignal.abort(reason)}}),
		{is: reason},
	);
});
