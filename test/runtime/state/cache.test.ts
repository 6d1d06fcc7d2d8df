import {mkdirSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openClusterCache} from '../../../lib/runtime/state/cache.js';
import {findState} from '../../../lib/runtime/state/find.js';
import {digestNumber, exampleState} from '../../helpers/cluster-state.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('what is known of a cluster is for its owner alone, and comes back', async t => {
	const folder = join(tempDir(t), 'clusters');
	const cache = openClusterCache(folder);
	t.deepEqual(await cache.list(), []);
	t.is(await cache.read('prod'), undefined);
	await cache.write(exampleState());
	await cache.write(exampleState({generation: 4}));
	t.is((await cache.read('prod'))?.generation, 4);
	t.is(statSync(join(folder, 'prod')).mode & 0o777, 0o700);
	t.is(statSync(join(folder, 'prod/state.json')).mode & 0o777, 0o600);
	t.deepEqual(readdirSync(join(folder, 'prod')), ['state.json']);
	const [known, ...more] = await cache.list();
	t.like(known, {name: 'prod', state: {generation: 4}});
	t.deepEqual(more, []);
	await cache.remove('prod');
	await cache.remove('prod');
	t.is(await cache.read('prod'), undefined);
});

test('another cluster of the same name does not take the place of one that is known', async t => {
	const cache = openClusterCache(tempDir(t));
	await cache.write(exampleState());
	const other = exampleState();
	await t.throwsAsync(cache.write({...other, setting: {...other.setting, id: 'ffffffffffffffff'}}), {
		code: 'ERR_CLUSTER_STATE',
		message: /0123456789abcdef/,
	});
});

test('seeing a cluster changes what is known of it only when it is newer', async t => {
	const cache = openClusterCache(tempDir(t), () => 1_000_000);
	await cache.write(exampleState({done: {ready: digestNumber(1)}}));
	await cache.saw(exampleState());
	const [known] = await cache.list();
	t.like(known, {seenAtMs: 1_000_000, state: {done: {ready: digestNumber(1)}}});
	await cache.saw(exampleState({generation: 4}));
	t.is((await cache.read('prod'))?.generation, 4);
});

test('a copy that is damaged is told, and gives way to a new one', async t => {
	const folder = tempDir(t);
	const cache = openClusterCache(folder);
	mkdirSync(join(folder, 'prod'));
	mkdirSync(join(folder, 'other'));
	writeFileSync(join(folder, 'prod/state.json'), '{"schema":1,');
	writeFileSync(join(folder, 'other/state.json'), JSON.stringify(exampleState()));
	writeFileSync(join(folder, 'README'), '');
	t.deepEqual(
		(await cache.list()).map(({name, state}) => [name, state]),
		[
			['other', undefined],
			['prod', undefined],
		],
	);
	await t.throwsAsync(cache.read('prod'), {code: 'ERR_CLUSTER_STATE'});
	await cache.write(exampleState());
	t.is((await cache.read('prod'))?.generation, 3);
});

test('a cluster that nobody knows is an error with the nearest name, and one that is a path is none', async t => {
	const cache = openClusterCache(tempDir(t));
	await cache.write(exampleState());
	t.is((await findState(cache, 'prod')).generation, 3);
	const error = await t.throwsAsync(findState(cache, 'prd'), {code: 'ERR_CLUSTER_UNKNOWN'});
	t.regex((error as {hint?: string}).hint ?? '', /Is "prod" meant\?/);
	await t.throwsAsync(findState(cache, '../prod'), {code: 'ERR_CLUSTER_UNKNOWN', message: /is no name/});
});
