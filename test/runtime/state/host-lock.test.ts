import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {createOwner} from '../../../lib/core/process-owner.js';
import {type LockRequest, takeLock} from '../../../lib/runtime/state/host-lock.js';
import {clusterPlaces} from '../../../lib/runtime/state/places.js';
import {tempDir} from '../../helpers/temp-dir.js';

const ada: LockRequest = {who: 'ada', from: 'laptop', cluster: 'prod', run: '1'};
const bob: LockRequest = {who: 'bob', from: 'desk', cluster: 'prod', run: '2'};

test('a second operator is refused with who works there, from where and since when', async t => {
	const root = tempDir(t);
	const release = await takeLock(root, ada, {now: () => Date.UTC(2026, 0, 2, 3, 4, 5)});
	const error = await t.throwsAsync(takeLock(root, bob), {code: 'ERR_CLUSTER_LOCKED'});
	t.is(error?.message, 'ada works on the host from laptop, for "prod", since 2026-01-02T03:04:05.000Z');
	await release();
	await release();
	await (await takeLock(root, bob))();
	t.false(existsSync(clusterPlaces(root).lock));
});

test('whoever waits gets the lock when it is given back', async t => {
	const root = tempDir(t);
	const release = await takeLock(root, ada);
	const waiting = takeLock(root, bob, {waitMs: 60_000});
	await sleep(20);
	await release();
	await (await waiting)();
	t.pass();
});

test('waiting ends with its time, and with an abort', async t => {
	const root = tempDir(t);
	const release = await takeLock(root, ada);
	await t.throwsAsync(takeLock(root, bob, {waitMs: 10}), {code: 'ERR_CLUSTER_LOCKED'});
	const abort = new AbortController();
	const waiting = takeLock(root, bob, {waitMs: 60_000, signal: abort.signal});
	abort.abort(new Error('enough'));
	await t.throwsAsync(waiting, {message: 'enough'});
	await release();
});

test('a new session of the same run takes over, and the old one gives nothing back then', async t => {
	const root = tempDir(t);
	const old = await takeLock(root, ada);
	const renewed = await takeLock(root, ada);
	await old();
	await t.throwsAsync(takeLock(root, bob), {code: 'ERR_CLUSTER_LOCKED'});
	await renewed();
	await (await takeLock(root, bob))();
});

const abandoned = test.macro({
	async exec(t, content: string) {
		const root = tempDir(t);
		const {folder, lock} = clusterPlaces(root);
		mkdirSync(folder);
		writeFileSync(lock, content);
		const release = await takeLock(root, bob);
		t.is((JSON.parse(readFileSync(lock, 'utf8')) as {who: string}).who, 'bob');
		await release();
	},
	title: (title = '') => `a lock ${title} holds nobody up`,
});
const heldBy = (process: object): string =>
	JSON.stringify({...ada, since: '', process: {...createOwner(), ...process}});
test('of a process that has died', abandoned, heldBy({pid: 2 ** 22 - 1}));
test('of another boot', abandoned, heldBy({bootId: 'another'}));
test('that is none', abandoned, 'torn {');

test('a lock of a process that nobody here can see is held', async t => {
	const root = tempDir(t);
	const {folder, lock} = clusterPlaces(root);
	mkdirSync(folder);
	writeFileSync(lock, heldBy({pidNamespace: 'pid:[1]'}));
	await t.throwsAsync(takeLock(root, bob), {code: 'ERR_CLUSTER_LOCKED'});
});

test('a lock on a host that was put back as it was leaves nothing there', async t => {
	const root = tempDir(t);
	const release = await takeLock(root, ada);
	rmSync(clusterPlaces(root).folder, {recursive: true});
	await release();
	t.false(existsSync(clusterPlaces(root).folder));
});
