import {type ChildProcess, fork} from 'node:child_process';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {verifyRegistry} from '../../../lib/registry/upkeep/verify.js';
import {openTestRegistry, type StorageKind, storageKinds} from '../../helpers/inventories.js';
import {tempDir} from '../../helpers/temp-dir.js';

const processes = join(process.cwd(), '.build/test/fixtures/processes');

interface Message {
	readonly ready?: true;
	readonly begin?: string;
	readonly done?: string;
	readonly digest?: string;
	readonly blobs?: number;
}

/** What a tag may point at: what was acknowledged last, or what was being written. */
type Expected = Map<string, ReadonlySet<string | undefined>>;

interface Started {
	readonly child: ChildProcess;
	readonly ready: Promise<void>;
	readonly ended: Promise<void>;
}

function start(
	t: ExecutionContext,
	program: string,
	args: readonly string[],
	onMessage: (message: Message) => void = () => {},
): Started {
	const child = fork(join(processes, program), args, {stdio: ['ignore', 'ignore', 'inherit', 'ipc']});
	t.teardown(() => child.kill('SIGKILL'));
	const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
	const ready = new Promise<void>(resolve => {
		child.on('message', (message: Message) => {
			if (message.ready === true) resolve();
			onMessage(message);
		});
	});
	return {child, ended, ready: Promise.race([ready, ended])};
}

function startPusher(
	t: ExecutionContext,
	kind: StorageKind,
	root: string,
	name: string,
	expected: Expected,
	times?: number,
): Started {
	const args = [kind, root, name, ...(times === undefined ? [] : [String(times)])];
	return start(t, 'registry-pusher.js', args, ({begin, done, digest}) => {
		const key = `${name}:${begin ?? done}`;
		if (begin !== undefined) expected.set(key, new Set([...(expected.get(key) ?? [undefined]), digest]));
		if (done !== undefined) expected.set(key, new Set([digest]));
	});
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

async function check(t: ExecutionContext, kind: StorageKind, root: string, expected: Expected): Promise<void> {
	const {storage, inventory} = await openTestRegistry(t, kind, root);
	const {findings} = await verifyRegistry(inventory);
	t.deepEqual(findings, []);
	for (const [key, allowed] of expected) {
		const [name = '', tag = ''] = key.split(':');
		const digest = await storage.tag(name, tag);
		t.true(allowed.has(digest), `${key} is ${digest}, acknowledged was ${[...allowed].join(' or ')}`);
	}
}

for (const kind of storageKinds) {
	test(`${kind}: a collector that is killed again and again beside pushes loses nothing that was acknowledged`, async t => {
		const root = join(tempDir(t), 'registry');
		const expected: Expected = new Map();
		const first = startPusher(t, kind, root, 'a', expected, 1);
		await first.ended;
		const pushers = ['a', 'b'].map(name => startPusher(t, kind, root, name, expected, 16));
		let running = true;
		const ended = Promise.all(pushers.map(pusher => pusher.ended)).then(() => {
			running = false;
		});
		while (running) {
			const collector = start(t, 'registry-collector.js', [kind, root, 'untagged']);
			await collector.ready;
			await sleep(Math.random() * 150);
			collector.child.kill('SIGKILL');
			await collector.ended;
		}
		await ended;
		t.deepEqual(
			pushers.map(({child}) => child.exitCode),
			[0, 0],
		);
		await check(t, kind, root, expected);
	});

	test(`${kind}: a collector at work beside pushes removes garbage and nothing else`, async t => {
		const root = join(tempDir(t), 'registry');
		const expected: Expected = new Map();
		let removed = 0;
		await startPusher(t, kind, root, 'a', expected, 1).ended;
		const collector = start(t, 'registry-collector.js', [kind, root, 'untagged'], ({blobs = 0}) => {
			removed += blobs;
		});
		await collector.ready;
		const pushers = ['a', 'b'].map(name => startPusher(t, kind, root, name, expected, 14));
		await Promise.all(pushers.map(pusher => pusher.ended));
		collector.child.send('end');
		await collector.ended;
		t.deepEqual(
			[...pushers, collector].map(({child}) => child.exitCode),
			[0, 0, 0],
		);
		t.true(removed > 5, `${removed} blobs were removed`);
		await check(t, kind, root, expected);
	});

	test(`${kind}: kill -9 of everything at any moment leaves what was acknowledged, and a registry that works`, async t => {
		const root = join(tempDir(t), 'registry');
		const expected: Expected = new Map();
		for (let round = 0; round < 6; round++) {
			const all = [
				startPusher(t, kind, root, 'a', expected),
				startPusher(t, kind, root, 'b', expected),
				start(t, 'registry-collector.js', [kind, root, round % 2 === 0 ? 'untagged' : '']),
			];
			await Promise.all(all.map(({ready}) => ready));
			await sleep(30 + Math.random() * 200);
			for (const {child} of all) child.kill('SIGKILL');
			await Promise.all(all.map(one => one.ended));
			await check(t, kind, root, expected);
		}
		const again = startPusher(t, kind, root, 'a', expected, 3);
		await again.ended;
		t.is(again.child.exitCode, 0);
		await check(t, kind, root, expected);
	});
}
