import test from 'ava';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {discoverImages} from '../../../lib/sealfile/discover/discover.js';
import {readSealignore} from '../../../lib/sealfile/discover/sealignore.js';
import {sourceFiles} from '../../../lib/sealfile/discover/source-files.js';
import {makeContext} from '../../helpers/context.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('a build context is searched like an image', async t => {
	const dir = makeContext(tempDir(t), {
		'manifests/a.yaml': 'image: one:1\n',
		'manifests/b.yaml': {symlink: '../other/b.yaml'},
		'manifests/out.yaml': {symlink: '/etc/passwd'},
		'manifests/up.yaml': {symlink: '../../../etc/passwd'},
		'manifests/loop.yaml': {symlink: 'loop.yaml'},
		'other/b.yaml': 'image: two:1\n',
		'images/shim/list': 'three:1\n',
		'images/skopeo/tar.txt': 'docker-archive:x.tar@four:1\n',
		'images/skopeo/x.tar': 'x',
		'.sealignore': 'three:1\n',
	});
	const files = sourceFiles(openContext(dir));
	const {images, excluded} = await discoverImages(files);
	t.deepEqual(
		images.map(image => image.name),
		['docker.io/library/four:1', 'docker.io/library/one:1', 'docker.io/library/two:1'],
	);
	t.deepEqual(
		excluded.map(image => image.name),
		['docker.io/library/three:1'],
	);
	t.deepEqual(
		(await files.list('manifests')).map(file => file.path),
		['manifests/a.yaml', 'manifests/b.yaml'],
	);
	t.deepEqual(await files.list('nothing'), []);
});

test('the .sealignore of a context counts without being copied', async t => {
	const dir = makeContext(tempDir(t), {'.sealignore': 'a:1\n'});
	t.is(await readSealignore(dir), 'a:1\n');
	t.is(await readSealignore(tempDir(t)), '');
	const folder = makeContext(tempDir(t), {'.sealignore': {folder: true}});
	await t.throwsAsync(readSealignore(folder), {code: 'ERR_CONTEXT'});
});
