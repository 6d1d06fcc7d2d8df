import test from 'ava';
import fc from 'fast-check';
import {compareNames} from '../../../lib/core/name.js';
import {describe} from '../../../lib/oci/descriptor.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {opaque, whiteout} from '../../../lib/oci/layer/write.js';
import {
	applyEntries,
	applyLayer,
	diffTrees,
	emptyTree,
	type ImageTree,
	lookup,
	resolvePath,
	walkTree,
} from '../../../lib/oci/tree/tree.js';
import {file, folder, header, link} from '../../helpers/entries.js';

const apply = (...layers: Array<readonly LayerEntry[]>): ImageTree => layers.reduce(applyEntries, emptyTree);
/** The paths of a tree without its root; folders with a slash. */
const paths = (tree: ImageTree): string[] =>
	[...walkTree(tree)].slice(1).map(({header: {path}, children}) => (children === undefined ? path : `${path}/`));

test('the empty tree is a root directory, 0755 root:root', t => {
	t.deepEqual(
		[...walkTree(emptyTree)].map(node => node.header),
		[header('', {type: 'directory', mode: 0o755, mtime: 0})],
	);
});

test('missing parents are 0755 root:root of the epoch', t => {
	const tree = apply([file('a/b/c')]);
	t.deepEqual(lookup(tree, 'a/b')?.header, header('a/b', {type: 'directory', mode: 0o755, mtime: 0}));
});

test('names come in the order of their bytes, whatever the order of the layer', t => {
	const names = ['a', 'a.b', 'B', 'ü', 'z', '-', '😀', '\uffff'];
	const expected = names.toSorted(compareNames);
	for (const order of [names, names.toReversed(), expected])
		t.deepEqual(paths(apply(order.map(name => file(name)))), expected);
	t.deepEqual(
		paths(
			apply(
				[file('m')],
				names.map(name => file(name)),
			),
		),
		[...names, 'm'].toSorted(compareNames),
	);
});

const gives = test.macro({
	exec(t, layers: ReadonlyArray<readonly LayerEntry[]>, expected: readonly string[]) {
		t.deepEqual(paths(apply(...layers)), expected);
	},
	title: (title = '') => title,
});

const base = [folder('d'), file('d/a'), file('d/b'), folder('d/sub'), file('d/sub/x'), file('f')];
test('a whiteout removes a file', gives, [base, [whiteout('d/a')]], ['d/', 'd/b', 'd/sub/', 'd/sub/x', 'f']);
test('a whiteout removes a folder with all in it', gives, [base, [whiteout('d')]], ['f']);
test(
	'a whiteout of nothing does nothing',
	gives,
	[base, [whiteout('none'), whiteout('none/x'), whiteout('f/x')]],
	['d/', 'd/a', 'd/b', 'd/sub/', 'd/sub/x', 'f'],
);
test('an opaque marker empties a folder', gives, [base, [opaque('d')]], ['d/', 'f']);
test('an opaque root empties the image', gives, [base, [opaque('')]], []);
test(
	'an opaque marker keeps what its own layer brings, also before it',
	gives,
	[base, [file('d/!new'), opaque('d'), file('d/z')]],
	['d/', 'd/!new', 'd/z', 'f'],
);
test(
	'a whiteout keeps what its own layer brings, also before it',
	gives,
	[base, [file('d/a'), whiteout('d/a')]],
	['d/', 'd/a', 'd/b', 'd/sub/', 'd/sub/x', 'f'],
);
test('a whiteout hides lower layers only', gives, [base, [whiteout('d'), file('d/new')]], ['d/', 'd/new', 'f']);
test(
	'a folder over a file replaces it',
	gives,
	[base, [folder('f'), file('f/x')]],
	['d/', 'd/a', 'd/b', 'd/sub/', 'd/sub/x', 'f/', 'f/x'],
);
test('a file over a folder replaces it with all in it', gives, [base, [file('d')]], ['d', 'f']);
test('a symlink over a folder replaces it', gives, [base, [link('d', 'f')]], ['d', 'f']);
test(
	'a folder over a symlink replaces it',
	gives,
	[[link('l', 'd'), ...base], [folder('l')]],
	['d/', 'd/a', 'd/b', 'd/sub/', 'd/sub/x', 'f', 'l/'],
);
test(
	'a path through a symlink is followed inside the image',
	gives,
	[[folder('usr'), folder('usr/lib'), link('lib', 'usr/lib')], [file('lib/x')]],
	['lib', 'usr/', 'usr/lib/', 'usr/lib/x'],
);
test(
	'a path through a symlink out of the image stays inside',
	gives,
	[[link('out', '../../etc')], [file('out/x')]],
	['etc/', 'etc/x', 'out'],
);
test(
	'a whiteout through a symlink is followed',
	gives,
	[[folder('d'), file('d/x'), link('l', '/d')], [whiteout('l/x')]],
	['d/', 'l'],
);
test('a file in the way of a folder gives way', gives, [[file('a')], [file('a/b')]], ['a/', 'a/b']);
test('the last of several entries of one path counts', gives, [[folder('a'), file('a/b'), file('a')]], ['a']);

test('a folder over a folder takes its metadata and keeps what is in it', t => {
	const tree = apply(base, [folder('d', {mode: 0o700, uid: 7, mtime: 9})]);
	t.deepEqual(lookup(tree, 'd')?.header, header('d', {type: 'directory', mode: 0o700, uid: 7, mtime: 9}));
	t.not(lookup(tree, 'd/a'), undefined);
});

test('an entry for the root gives the root its metadata', t => {
	t.is(apply(base, [folder('', {mode: 0o700})]).root.header.mode, 0o700);
});

test('a name that was reached through a symlink has the path it really lies at', t => {
	const tree = apply([folder('usr'), link('bin', 'usr'), file('bin/x')]);
	t.is(lookup(tree, 'usr/x')?.header.path, 'usr/x');
});

test('hard links share the content and the metadata of their target', t => {
	const tree = apply([file('a', 'content', {mode: 0o4755, uid: 3}), link('b', 'a', 'hardlink')]);
	const [a, b] = [lookup(tree, 'a'), lookup(tree, 'b')];
	t.is(a?.content, b?.content);
	t.deepEqual(b?.header, {...a?.header, path: 'b'} as typeof b extends undefined
		? never
		: NonNullable<typeof b>['header']);
});

test('a hard link reaches into lower layers and through linked folders', t => {
	const tree = apply([folder('d'), file('d/a', 'x'), link('l', 'd')], [link('b', 'l/a', 'hardlink')]);
	t.is(lookup(tree, 'b')?.content, lookup(tree, 'd/a')?.content);
});

test('a hard link to nothing or to a folder is refused', t => {
	t.throws(() => apply([link('b', 'none', 'hardlink')]), {code: 'ERR_TAR_FORMAT', message: /not in the image/});
	t.throws(() => apply([folder('d'), link('b', 'd', 'hardlink')]), {code: 'ERR_TAR_FORMAT', message: /is a directory/});
	t.throws(() => apply([link('b', 'b', 'hardlink')]), {code: 'ERR_TAR_FORMAT'});
});

test('a whiteout without a name is refused', t => {
	t.throws(() => apply(base, [file('d/.wh.')]), {
		code: 'ERR_TAR_FORMAT',
		message: /d\/\.wh\. is a whiteout that names nothing/,
	});
});

test('a tree stays as it was when a layer is put on it', t => {
	const before = apply(base);
	const names = paths(before);
	const headers = [...walkTree(before)].map(node => node.header);
	const after = applyEntries(before, [
		whiteout('d/a'),
		folder('', {mode: 0}),
		folder('d', {mode: 0}),
		file('d/sub/y'),
		file('f', 'z'),
	]);
	t.deepEqual(paths(before), names);
	t.deepEqual(
		[...walkTree(before)].map(node => node.header),
		headers,
	);
	t.not(after.root, before.root);
});

test('what a layer does not touch is shared', t => {
	const before = apply(base);
	const after = applyEntries(before, [file('new')]);
	t.is(lookup(after, 'd'), lookup(before, 'd'));
});

test('contents of a layer are named by layer and place', t => {
	const layer = describe('layer', Buffer.from('x'));
	const entries = [
		{header: header('a', {size: 3}), offset: 512},
		{header: header('e'), offset: 1024},
		{header: header('s', {size: 9}), offset: 1536, sparse: [0, 4, 9, 0]},
	];
	const tree = applyLayer(emptyTree, {diffID: layer.digest, sizeBytes: 9999, entries}, layer);
	t.deepEqual(lookup(tree, 'a')?.content, {kind: 'layer', layer, offset: 512});
	t.is(lookup(tree, 'e')?.content, undefined);
	t.deepEqual(lookup(tree, 's')?.content, {kind: 'layer', layer, offset: 1536, sparse: [0, 4, 9, 0]});
});

test('lookup follows no links and takes slashes as they come', t => {
	const tree = apply([folder('d'), file('d/x'), link('l', 'd')]);
	for (const path of ['d/x', '/d/x', '//d//x/']) t.is(lookup(tree, path)?.header.path, 'd/x');
	t.is(lookup(tree, ''), tree.root);
	t.is(lookup(tree, '/'), tree.root);
	t.is(lookup(tree, 'l/x'), undefined);
	t.is(lookup(tree, 'd/x/y'), undefined);
	t.is(lookup(tree, 'none'), undefined);
});

const links = apply([
	folder('a'),
	folder('a/b'),
	file('a/b/f'),
	link('abs', '/a/b'),
	link('rel', 'a/../a/b'),
	link('a/up', '../abs'),
	link('far', '../../../a'),
	link('dangling', 'a/none/x'),
	link('chain', 'rel'),
	link('self', 'self'),
	link('ping', 'pong'),
	link('pong', 'ping'),
]);
const resolves = test.macro({
	exec(t, path: string, expected: string, followLast?: boolean) {
		t.is(resolvePath(links, path, followLast === undefined ? {} : {followLast}), expected);
	},
	title: (_, path, expected, followLast) =>
		`${path} leads to ${expected}${followLast === false ? ' without the last link' : ''}`,
});
test(resolves, '', '');
test(resolves, '/', '');
test(resolves, '/a/b/f', 'a/b/f');
test(resolves, 'a/./b//f/', 'a/b/f');
test(resolves, 'abs/f', 'a/b/f');
test(resolves, 'rel', 'a/b');
test(resolves, 'rel', 'rel', false);
test(resolves, 'rel/', 'rel', false);
test(resolves, 'chain/f', 'a/b/f');
test(resolves, 'a/up/f', 'a/b/f');
test(resolves, 'abs/..', 'a');
test(resolves, '../../a', 'a');
test(resolves, 'far/b', 'a/b');
test(resolves, 'dangling', 'a/none/x');
test(resolves, 'dangling/y', 'a/none/x/y');
test(resolves, 'none/../a', 'a');
test(resolves, 'none/x', 'none/x');
test(resolves, 'self', 'self', false);

test('links in circles are refused', t => {
	for (const path of ['self', 'self/x', 'ping', 'a/../pong/..'])
		t.throws(() => resolvePath(links, path), {code: 'ERR_SYMLINK_LOOP'});
});

test('a walk may start anywhere', t => {
	t.deepEqual(
		[...walkTree(links, 'a/b')].map(node => node.header.path),
		['a/b', 'a/b/f'],
	);
	t.deepEqual([...walkTree(links, 'none')], []);
});

test('a very deep tree can be made, walked and compared', t => {
	const deep = Array.from({length: 20_000}, () => 'd').join('/');
	const tree = apply([file(deep)]);
	t.is([...walkTree(tree)].length, 20_001);
	t.is(diffTrees(emptyTree, tree).added.length, 20_000);
});

test('a diff lists what was added, changed and removed', t => {
	const before = apply(base);
	const after = applyEntries(before, [whiteout('d/sub'), file('d/b', '', {mode: 0o600}), file('new/x'), folder('f')]);
	const diff = diffTrees(before, after);
	t.deepEqual(
		diff.added.map(node => node.header.path),
		['new', 'new/x'],
	);
	t.deepEqual(
		diff.removed.map(node => node.header.path),
		['d/sub', 'd/sub/x'],
	);
	t.deepEqual(
		diff.changed.map(pair => pair.after.header.path),
		['d/b', 'f'],
	);
	t.deepEqual(diffTrees(after, after), {added: [], changed: [], removed: []});
});

test('a file with other content of the same size is changed', t => {
	const diff = diffTrees(apply([file('a', 'one')]), apply([file('a', 'two')]));
	t.is(diff.changed.length, 1);
	t.is(diffTrees(apply([file('a', 'one')]), apply([file('a', 'one')])).changed.length, 0);
});

test('attributes count in a diff', t => {
	const withA = apply([file('a', '', {xattrs: {'user.a': Buffer.from('1')}})]);
	const withB = apply([file('a', '', {xattrs: {'user.a': Buffer.from('2')}})]);
	t.is(diffTrees(withA, withB).changed.length, 1);
	t.is(diffTrees(withA, apply([file('a')])).changed.length, 1);
});

test('layers on layers agree with a plain map of paths', t => {
	const name = fc.constantFrom('a', 'b', 'c');
	const path = fc.array(name, {minLength: 1, maxLength: 3}).map(parts => parts.join('/'));
	const step = fc.tuple(fc.constantFrom('file', 'folder', 'remove'), path);
	fc.assert(
		fc.property(fc.array(step, {maxLength: 20}), steps => {
			const model = new Map<string, 'file' | 'folder'>();
			let tree = emptyTree;
			for (const [kind, target] of steps) {
				const below = [...model.keys()].filter(key => key.startsWith(`${target}/`));
				const parents = target
					.split('/')
					.map((_, i, parts) => parts.slice(0, i).join('/'))
					.filter(parent => parent !== '');
				tree = applyEntries(tree, [
					kind === 'file' ? file(target) : kind === 'folder' ? folder(target) : whiteout(target),
				]);
				if (kind !== 'folder') for (const key of below) model.delete(key);
				if (kind === 'remove') {
					if (parents.every(parent => model.get(parent) === 'folder')) model.delete(target);
					continue;
				}
				for (const parent of parents) model.set(parent, 'folder');
				model.set(target, kind as 'file' | 'folder');
			}
			const expected = [...model].map(([key, kind]) => (kind === 'folder' ? `${key}/` : key));
			t.deepEqual(paths(tree).toSorted(), expected.toSorted());
		}),
	);
});
