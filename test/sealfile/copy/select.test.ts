import test from 'ava';
import {ab, copy, copyFrom, naming, refusing} from '../../helpers/copy-case.js';
import {listEntries} from '../../helpers/image-tree.js';

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
test(
	'--parents is cut where the pattern left of the pivot ends, ** or not',
	naming,
	{context: deep, request: {sources: ['**/./c/*'], destination: '/o', parents: true}},
	['o', 'o/c', 'o/c/f', 'o/c/h'],
);
test(
	'--exclude holds for folders that a wildcard matches',
	naming,
	{context: many, request: {sources: ['*'], destination: '/x/', exclude: ['d']}},
	['x', 'x/e.md'],
);
test(
	'a source with a NUL is missing',
	refusing,
	{context: ab, request: {sources: ['a\0b'], destination: '/x'}},
	'ERR_COPY_SOURCE',
);
