import {chmodSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {createOwner} from '../../lib/core/process-owner.js';
import {createTempDir, sweepTempDirs, withTempDir} from '../../lib/core/temp-dir.js';
import {tempDir} from '../helpers/temp-dir.js';

test('a scratch folder is private and gone after the work, whether it succeeds or fails', async t => {
	const parent = join(tempDir(t), 'tmp');
	await withTempDir(parent, async path => {
		t.is(statSync(path).mode & 0o777, 0o700);
		mkdirSync(join(path, 'deep', 'er'), {recursive: true});
	});
	await t.throwsAsync(
		withTempDir(parent, async path => {
			writeFileSync(join(path, 'x'), 'x');
			throw new Error('no');
		}),
		{message: 'no'},
	);
	t.deepEqual(readdirSync(parent), []);
});

test('removing twice is fine', async t => {
	const folder = await createTempDir(tempDir(t));
	await folder.remove();
	await folder.remove();
	t.false(existsSync(folder.path));
});

test('a sweep removes what dead processes left and nothing else', async t => {
	const parent = tempDir(t);
	const alive = await createTempDir(parent, 'alive');
	const make = (name: string, owner: string | undefined): void => {
		mkdirSync(join(parent, name));
		if (owner !== undefined) writeFileSync(join(parent, name, '.owner'), owner);
	};
	make('dead', JSON.stringify({...createOwner(), startTime: '1'}));
	make('gone', JSON.stringify({...createOwner(), pid: 4_194_304, startTime: '1'}));
	make('elsewhere', JSON.stringify({...createOwner(), bootId: 'other'}));
	make('young', undefined);
	make('old', undefined);
	const longAgo = new Date(Date.now() - 3 * 24 * 3600 * 1000);
	utimesSync(join(parent, 'old'), longAgo, longAgo);
	await sweepTempDirs(parent);
	t.deepEqual(readdirSync(parent).toSorted(), [alive.path.slice(parent.length + 1), 'elsewhere', 'young'].toSorted());
	await t.notThrowsAsync(sweepTempDirs(join(parent, 'missing')));
});

test('folders that may not be written are removed too, and a failure of the work is what is told', async t => {
	const parent = tempDir(t);
	const reason = new Error('the work failed');
	const thrown = await t.throwsAsync(
		withTempDir(parent, async path => {
			mkdirSync(join(path, 'a', 'b'), {recursive: true});
			chmodSync(join(path, 'a', 'b'), 0o000);
			chmodSync(join(path, 'a'), 0o500);
			throw reason;
		}),
	);
	t.is(thrown, reason);
	t.deepEqual(readdirSync(parent), []);
});
