import test from 'ava';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {resolveCopy} from '../../../lib/sealfile/copy/resolve-copy.js';
import {ab, copy, copyFrom, names, naming, refusing} from '../../helpers/copy-case.js';
import {imageTree} from '../../helpers/image-tree.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

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

test('a missing source with a near name says which', async t => {
	const error = await t.throwsAsync(copy(t, {context: ab, request: {sources: ['dir/sbu'], destination: '/x'}}), {
		code: 'ERR_COPY_SOURCE',
	});
	t.like(error, {hint: 'Did you mean "dir/sub"?'});
});

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
