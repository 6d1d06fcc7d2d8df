import {fork} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {hasCode, type SealError} from '../../lib/core/errors.js';
import {isLocked, withLock} from '../../lib/core/lock.js';
import {createOwner} from '../../lib/core/process-owner.js';
import {tempDir} from '../helpers/temp-dir.js';

const holder = join(process.cwd(), '.build/test/fixtures/processes/lock-holder.js');

test('runs one at a time in this process, in the order of the calls', async t => {
	const path = join(tempDir(t), 'lock');
	const order: string[] = [];
	await Promise.all(
		['a', 'b', 'c'].map(name =>
			withLock(path, async () => {
				order.push(`${name} in`);
				await new Promise(resolve => setTimeout(resolve, 5));
				order.push(`${name} out`);
			}),
		),
	);
	t.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
	t.false(existsSync(path));
});

test('gives the result of the work, and frees the lock when the work fails', async t => {
	const path = join(tempDir(t), 'sub', 'lock');
	t.is(await withLock(path, async () => 7), 7);
	await t.throwsAsync(
		withLock(path, async () => {
			throw new Error('broken');
		}),
		{message: 'broken'},
	);
	t.is(await withLock(path, async () => 8), 8);
	t.deepEqual(readdirSync(join(path, '..')), []);
});

test('names the process that holds the lock when the time is up', async t => {
	const path = join(tempDir(t), 'lock');
	const child = fork(holder, [path]);
	t.teardown(() => child.kill('SIGKILL'));
	await new Promise(resolve => child.once('message', resolve));
	t.true(await isLocked(path));
	const error = (await t.throwsAsync(withLock(path, async () => 1, {timeoutMs: 50, what: 'the store x'}))) as SealError;
	t.true(hasCode(error, 'ERR_STORE_LOCKED'));
	t.is(error.message, `the store x is held by process ${child.pid}`);
	t.is(error.details.pid, child.pid);
});

test('takes over the lock of a process that was killed', async t => {
	const path = join(tempDir(t), 'lock');
	const child = fork(holder, [path]);
	await new Promise(resolve => child.once('message', resolve));
	child.kill('SIGKILL');
	await new Promise(resolve => child.once('exit', resolve));
	t.true(existsSync(path));
	t.false(await isLocked(path));
	t.is(await withLock(path, async () => 1, {timeoutMs: 5000}), 1);
	t.deepEqual(readdirSync(join(path, '..')), []);
});

test('takes over the lock of an earlier process with the same id', async t => {
	const path = join(tempDir(t), 'lock');
	writeFileSync(path, JSON.stringify({...createOwner(), startTime: '1'}));
	t.is(await withLock(path, async () => 1, {timeoutMs: 5000}), 1);
});

const strangeLock = test.macro(async (t, content: () => string) => {
	const path = join(tempDir(t), 'lock');
	writeFileSync(path, content());
	await t.throwsAsync(
		withLock(path, async () => 1, {timeoutMs: 20}),
		{code: 'ERR_STORE_LOCKED'},
	);
	const old = new Date(Date.now() - 120_000);
	utimesSync(path, old, old);
	t.is(await withLock(path, async () => 1, {timeoutMs: 5000}), 1);
});

test('respects the lock of another machine or container until it is silent for a minute', strangeLock, () =>
	JSON.stringify({...createOwner(), bootId: 'elsewhere'}),
);

test('a damaged lock file counts as held until it is old', strangeLock, () => '');

test('an abort ends the wait with its reason, in the queue and at the file', async t => {
	const path = join(tempDir(t), 'lock');
	writeFileSync(path, JSON.stringify({...createOwner(), bootId: 'elsewhere'}));
	const reason = new Error('enough');
	const controller = new AbortController();
	const first = withLock(path, async () => 1, {signal: controller.signal});
	const second = withLock(path, async () => 2, {signal: controller.signal});
	setTimeout(() => controller.abort(reason), 10);
	t.is(await t.throwsAsync(first), reason);
	t.is(await t.throwsAsync(second), reason);
	t.is(await t.throwsAsync(withLock(path, async () => 3, {signal: controller.signal})), reason);
});

test('many processes that all find a dead holder count without losing a step', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'lock');
	const counter = join(dir, 'counter');
	writeFileSync(counter, '0');
	writeFileSync(path, JSON.stringify({...createOwner(), startTime: '1'}));
	const children = Array.from({length: 4}, () => fork(holder, [path, counter, '15']));
	const codes = await Promise.all(children.map(child => new Promise(resolve => child.once('exit', resolve))));
	t.deepEqual(codes, [0, 0, 0, 0]);
	t.is(readFileSync(counter, 'utf8'), '60');
	t.deepEqual(readdirSync(dir), ['counter']);
});
