import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {isRepositoryName, listRepositories} from '../../../../lib/registry/storage/stock/catalog.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const names = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a0', 'b/c', 'b_c', 'c', 'd/e/f/g'];

function folderOf(t: Parameters<typeof tempDir>[0], repositories: readonly string[], mark = '_manifests'): string {
	const folder = tempDir(t);
	for (const name of repositories) mkdirSync(join(folder, name, mark), {recursive: true});
	return folder;
}

test('repositories come in byte order, which is not the order of a walk', async t => {
	const found = await listRepositories(folderOf(t, names), {});
	t.deepEqual(found, names.toSorted());
	t.true(found.indexOf('a-b') < found.indexOf('a/b'));
});

test('pages of any size join to the whole', async t => {
	const folder = folderOf(t, names);
	for (let limit = 1; limit <= names.length + 1; limit++) {
		const all: string[] = [];
		for (let after: string | undefined; ; after = all.at(-1)) {
			const page = await listRepositories(folder, {after, limit});
			all.push(...page);
			if (page.length < limit) break;
		}
		t.deepEqual(all, names.toSorted(), `${limit} a page`);
	}
});

test('a page may begin after a name that is none', async t => {
	const folder = folderOf(t, names);
	for (const after of ['a/', 'a/a', 'a/b/', 'a1', 'd/e', 'zz', '~', 'A', '../x'])
		t.deepEqual(await listRepositories(folder, {after}), names.filter(name => name > after).toSorted(), after);
	t.deepEqual(await listRepositories(folder, {limit: 0}), []);
});

test('a repository is what either version of the stock server takes for one', async t => {
	const folder = folderOf(t, ['layers-alone'], '_layers');
	for (const path of ['manifests-alone/_manifests', 'neither/_uploads', 'Upper/_layers', '_x/_layers', 'a..b/_layers'])
		mkdirSync(join(folder, path), {recursive: true});
	t.deepEqual(await listRepositories(folder, {}), ['layers-alone', 'manifests-alone']);
	t.deepEqual(await listRepositories(join(folder, 'none'), {}), []);
});

test('names that could lead elsewhere are no repositories', t => {
	for (const name of [
		'..',
		'a/../b',
		'/a',
		'a/',
		'',
		'a//b',
		'.',
		'a/./b',
		'_layers',
		'a/_manifests',
		'a\0b',
		'Ä',
		'a\\b',
	])
		t.false(isRepositoryName(name), name);
	t.false(isRepositoryName('a'.repeat(256)));
	t.true(isRepositoryName('registry.k8s.io/kube-apiserver'));
	t.true(isRepositoryName('localhost_5000/x'));
});
