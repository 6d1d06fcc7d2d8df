import test from 'ava';
import {treeFiles} from '../../../lib/oci/tree/files.js';
import {makeStore} from '../../helpers/cluster-images.js';
import {imageTree} from '../../helpers/image-tree.js';

const tree = imageTree({
	'a/x': 'X',
	'a/link': '-> x',
	'a/absolute': '-> /b/y',
	'a/dangling': '-> gone',
	'a/loop': '-> loop',
	'a/folder': '-> ../b',
	'a/empty': '',
	'a-b': 'beside',
	'b/y': {text: 'YY', mode: 0o755},
	'b/device': {type: 'character', devmajor: 1, devminor: 3},
});

test('regular files are listed in byte order of names, links to files under their own path', async t => {
	const files = treeFiles(tree, await makeStore(t));
	t.deepEqual(
		(await files.list('')).map(({path, sizeBytes, mode}) => `${path} ${sizeBytes} ${mode.toString(8)}`).sort(),
		['a-b 6 644', 'a/absolute 2 755', 'a/empty 0 644', 'a/link 1 644', 'a/x 1 644', 'b/y 2 755'],
	);
	t.deepEqual(
		(await files.list('b')).map(file => file.path),
		['b/y'],
	);
	for (const nothing of ['gone', 'a/x', 'a/folder']) t.deepEqual(await files.list(nothing), [], nothing);
});

test('contents are read through links; what is no file is left out', async t => {
	const files = treeFiles(tree, await makeStore(t));
	const found: Record<string, string> = {};
	for await (const {path, bytes} of files.read([
		'a/link',
		'a/absolute',
		'a/empty',
		'a/loop',
		'a/dangling',
		'b',
		'b/device',
		'no',
	]))
		found[path] = Buffer.from(bytes).toString();
	t.deepEqual(found, {'a/absolute': 'YY', 'a/empty': '', 'a/link': 'X'});
});

test('a file longer than the limit is refused', async t => {
	const files = treeFiles(tree, await makeStore(t));
	const read = async (): Promise<void> => {
		for await (const _ of files.read(['a-b'], {limitBytes: 5}));
	};
	await t.throwsAsync(read(), {code: 'ERR_CONTENT_SIZE'});
});
