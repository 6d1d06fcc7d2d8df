import {existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {unpackTree} from '../../../lib/oci/disk/unpack.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {applyEntries, emptyTree} from '../../../lib/oci/tree/tree.js';
import {tempDir} from '../../helpers/temp-dir.js';

const noStore = {
	exists: async () => false,
	fetch: async () => {
		throw new Error('nothing is stored');
	},
};

const file = (path: string, text: string, owner = 0): LayerEntry => ({
	header: {path, type: 'file', mode: 0o4755, uid: owner, gid: owner, size: text.length, mtime: 1000},
	content: {kind: 'bytes', bytes: Buffer.from(text)},
});

const tree = applyEntries(emptyTree, [
	{header: {path: 'bin', type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 1000}},
	file('bin/tool', 'tool', 1234),
]);

test('an image appears whole in a folder that did not exist, parents included', async t => {
	const target = join(tempDir(t), 'some/where');
	const report = await unpackTree(tree, noStore, target, {owners: false});
	t.deepEqual(report, {entries: 2, sizeBytes: 4, skippedDevices: []});
	t.is(readFileSync(join(target, 'bin/tool'), 'utf8'), 'tool');
	t.is(lstatSync(join(target, 'bin/tool')).mode & 0o7777, 0o4755);
	t.is(lstatSync(join(target, 'bin')).mtimeMs, 1_000_000);
	t.deepEqual(readdirSync(join(target, '..')), ['where']);
});

test('an empty folder gives way, a full one is refused and kept', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'empty'));
	await unpackTree(tree, noStore, join(dir, 'empty'), {owners: false});
	t.true(existsSync(join(dir, 'empty/bin/tool')));
	await t.throwsAsync(unpackTree(tree, noStore, join(dir, 'empty'), {owners: false}), {
		code: 'ERR_USAGE',
		message: `${join(dir, 'empty')} is in use: it is not an empty folder`,
	});
	writeFileSync(join(dir, 'file'), '');
	await t.throwsAsync(unpackTree(tree, noStore, join(dir, 'file'), {owners: false}), {code: 'ERR_USAGE'});
});

test('one warning says that owners are not kept', async t => {
	const events: SealEvent[] = [];
	await unpackTree(tree, noStore, join(tempDir(t), 'x'), {owners: false, onEvent: event => events.push(event)});
	t.deepEqual(
		events.filter(event => event.type === 'warning').map(event => event.code),
		['OwnersSkipped'],
	);
});

test('a failure leaves nothing behind', async t => {
	const dir = tempDir(t);
	const broken = applyEntries(tree, [
		{
			header: {path: 'bad', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 5, mtime: 0},
			content: {kind: 'file', path: join(dir, 'missing')},
		},
	]);
	await t.throwsAsync(unpackTree(broken, noStore, join(dir, 'target'), {owners: false}));
	t.deepEqual(readdirSync(dir), []);
});

test('an abort leaves nothing behind', async t => {
	const dir = tempDir(t);
	const stop = new AbortController();
	const running = unpackTree(tree, noStore, join(dir, 'target'), {owners: false, signal: stop.signal});
	stop.abort(new Error('enough'));
	await t.throwsAsync(running, {message: 'enough'});
	t.deepEqual(readdirSync(dir), []);
});
