import {type ChildProcess, fork} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collectGarbage} from '../../../lib/oci/store/gc.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {putImage} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

const writer = join(process.cwd(), '.build/test/fixtures/processes/store-writer.js');
const collector = join(process.cwd(), '.build/test/fixtures/processes/store-collector.js');

function ended(child: ChildProcess): Promise<void> {
	return new Promise(resolve => {
		if (child.exitCode !== null || child.signalCode !== null) resolve();
		else child.once('exit', () => resolve());
	});
}

async function ready(child: ChildProcess): Promise<void> {
	await new Promise(resolve => child.once('message', resolve));
}

function isMarked(path: string): boolean {
	return existsSync(path) && readFileSync(path, 'utf8') !== '';
}

async function isWhole(store: Store): Promise<readonly string[]> {
	const problems: string[] = [];
	for (const {names} of await store.list({facts: false})) {
		for (const name of names) {
			const {findings} = await verifyImage(store, name);
			problems.push(...findings.map(finding => `${name}: ${finding.message}`));
		}
	}
	return problems;
}

test('kill -9 at any moment leaves a store that is whole and works at once', async t => {
	const root = join(tempDir(t), 'store');
	for (let round = 0; round < 25; round++) {
		const children = [fork(writer, [root, 'a']), fork(writer, [root, 'b'])];
		if (round > 0) await Promise.all(children.map(ready));
		// The moments spread from the opening of the store over writing, renaming and naming.
		await new Promise(resolve => setTimeout(resolve, round * 7 + Math.random() * 25));
		for (const child of children) child.kill('SIGKILL');
		await Promise.all(children.map(ended));
		const store = await openStore(root, {lockTimeoutMs: 5000});
		t.deepEqual(await isWhole(store), []);
		const image = await putImage(store, {layers: [`round ${round}`]});
		await store.tag(`round:${round}`, image);
		t.is((await store.resolve(`round:${round}`)).digest, image.digest);
		await store.close();
	}
	const store = await openStore(root);
	// A folder whose maker died before it wrote its name there goes a minute later.
	const left = readdirSync(store.tempDir).filter(name => isMarked(join(store.tempDir, name, '.owner')));
	t.deepEqual(left, []);
	await collectGarbage(store);
	t.deepEqual(await isWhole(store), []);
	t.is((await store.list()).filter(image => image.names.some(name => name.includes('/round:'))).length, 25);
});

test('two processes that build at once both keep their names', async t => {
	const root = join(tempDir(t), 'store');
	const children = [fork(writer, [root, 'a', '12']), fork(writer, [root, 'b', '12'])];
	await Promise.all(children.map(ended));
	t.deepEqual(
		children.map(child => child.exitCode),
		[0, 0],
	);
	const store = await openStore(root);
	const names = (await store.list()).flatMap(image => image.names);
	t.is(names.filter(name => name.startsWith('docker.io/library/a:')).length, 5);
	t.is(names.filter(name => name.startsWith('docker.io/library/b:')).length, 5);
	t.deepEqual(await isWhole(store), []);
});

test('collecting beside processes that build removes nothing they need', async t => {
	const root = join(tempDir(t), 'store');
	const children = [fork(writer, [root, 'a', '25']), fork(writer, [root, 'b', '25'])];
	await Promise.all(children.map(ready));
	const store = await openStore(root);
	while (children.some(child => child.exitCode === null)) {
		await collectGarbage(store);
		await new Promise(resolve => setTimeout(resolve, 20));
	}
	t.deepEqual(
		children.map(child => child.exitCode),
		[0, 0],
	);
	t.deepEqual(await isWhole(store), []);
	await collectGarbage(store);
	t.deepEqual(await isWhole(store), []);
});

test('kill -9 of a collector beside a writer leaves a store that is whole', async t => {
	const root = join(tempDir(t), 'store');
	for (let round = 0; round < 8; round++) {
		const children = [fork(writer, [root, 'a']), fork(collector, [root])];
		await Promise.all(children.map(ready));
		await new Promise(resolve => setTimeout(resolve, 60 + Math.random() * 60));
		for (const child of children.toReversed()) child.kill('SIGKILL');
		await Promise.all(children.map(ended));
		const store = await openStore(root, {lockTimeoutMs: 5000});
		t.deepEqual(await isWhole(store), []);
		await collectGarbage(store);
		t.deepEqual(await isWhole(store), []);
		await store.close();
	}
});
