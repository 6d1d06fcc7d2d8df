import {existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {createFolders} from '../../../../lib/registry/storage/stock/folders.js';
import {tempDir} from '../../../helpers/temp-dir.js';

test('what is missing of a path is made, and told by the folders that got an entry', async t => {
	const root = tempDir(t);
	const folders = createFolders([root]);
	t.deepEqual(await folders.make(join(root, 'a/b/c')), [root, join(root, 'a'), join(root, 'a/b')]);
	t.true(existsSync(join(root, 'a/b/c')));
	t.deepEqual(await folders.make(join(root, 'a/b/c')), []);
	t.deepEqual(await folders.make(join(root, 'a/b/d')), [join(root, 'a/b')]);
	t.deepEqual(await folders.make(root), []);
});

test('folders that were removed are made again, remembered or not', async t => {
	const root = tempDir(t);
	const folders = createFolders([root]);
	await folders.make(join(root, 'a/b'));
	rmSync(join(root, 'a'), {recursive: true});
	t.deepEqual(await folders.make(join(root, 'a/b/c')), [root, join(root, 'a'), join(root, 'a/b')]);
	rmSync(join(root, 'a'), {recursive: true});
	folders.forget(join(root, 'a/b'));
	t.deepEqual(await folders.make(join(root, 'a/b')), [root, join(root, 'a')]);
});

test('many that make the same folder at once all have it', async t => {
	const root = tempDir(t);
	const folders = createFolders([root]);
	const made = await Promise.all(Array.from({length: 20}, (_, i) => folders.make(join(root, `x/y/${i % 4}`))));
	t.true(made.flat().includes(root));
	for (let i = 0; i < 4; i++) t.true(existsSync(join(root, `x/y/${i}`)));
});

test('no folder is made through a symbolic link, nor in the place of a file', async t => {
	const [root, outside] = [tempDir(t), tempDir(t)];
	const folders = createFolders([root]);
	mkdirSync(join(root, 'a'));
	symlinkSync(outside, join(root, 'a/link'));
	await t.throwsAsync(folders.make(join(root, 'a/link/b')), {code: 'ERR_UNSAFE_PATH'});
	t.false(existsSync(join(outside, 'b')));
	writeFileSync(join(root, 'file'), '');
	await t.throwsAsync(folders.make(join(root, 'file/b')), {code: 'ENOTDIR'});
});
