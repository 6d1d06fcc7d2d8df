import {randomBytes} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {type Distributed, distribute, type HostDistributed} from '../../../lib/runtime/distribute/distribute.js';
import {previewDistribution} from '../../../lib/runtime/distribute/preview.js';
import type {DistributeOptions} from '../../../lib/runtime/distribute/run.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {file, folder} from '../../helpers/entries.js';
import {embedded} from '../../helpers/host-content.js';
import {putLayers} from '../../helpers/layered-image.js';
import {hostRoot, localAgents, localTarget} from '../../helpers/local-agents.js';
import {tempDir} from '../../helpers/temp-dir.js';

interface Scene {
	readonly dir: string;
	readonly store: Store;
	run(options: Partial<DistributeOptions>): Promise<Distributed>;
}

async function scene(t: ExecutionContext): Promise<Scene> {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	const defaults = {images: ['demo:v1'], hosts: [], store, open: localAgents(dir)};
	return {dir, store, run: options => distribute({...defaults, ...options})};
}

const bin = (text: string | Uint8Array): LayerEntry[] => [folder('bin'), file('bin/kubelet', text, {mode: 0o755})];

function values({outcomes}: Distributed): HostDistributed[] {
	return outcomes.map(outcome => {
		if (!outcome.ok) throw outcome.error;
		return outcome.value;
	});
}

test('hosts get an image, unpacked, and nothing more the second time', async t => {
	const {dir, store, run} = await scene(t);
	// More than one part: what follows the first comes from wherever it is sooner.
	const large = randomBytes(20_000_000);
	await putLayers(store, 'demo:v1', [bin('one'), [folder('etc'), file('etc/large', large)]]);
	const hosts = ['a', 'b', 'c'].map(name => localTarget(name));
	for (const value of values(await run({hosts}))) {
		const [image] = value.images;
		t.is(image?.name, 'docker.io/library/demo:v1');
		t.is(readFileSync(join(image!.path, 'bin/kubelet'), 'utf8'), 'one');
		t.true(readFileSync(join(image!.path, 'etc/large')).equals(large));
		t.is(value.movedBytes, value.neededBytes);
		t.is(value.fetchedBytes + value.sentBytes, value.movedBytes);
	}
	for (const {name} of hosts) t.is(blobsOf(dir, name).length, 2, 'manifest and config stay, layers are there once');
	const again = await run({hosts});
	t.is(again.sentBytes, 0);
	for (const value of values(again)) t.is(value.movedBytes, 0);
});

test('a component that changed moves alone', async t => {
	const {store, run} = await scene(t);
	const stays = [folder('etc'), file('etc/large', randomBytes(3_000_000))];
	await putLayers(store, 'demo:v1', [bin('one'), stays]);
	const hosts = [localTarget('a'), localTarget('b')];
	await run({hosts});
	await putLayers(store, 'demo:v1', [bin('two'), stays]);
	for (const value of values(await run({hosts}))) {
		t.true(value.movedBytes < 10_000, `${value.movedBytes} bytes moved`);
		t.is(value.images[0]?.unpacked, 1);
		t.is(readFileSync(join(value.images[0]!.path, 'bin/kubelet'), 'utf8'), 'two');
	}
});

for (const marked of [true, false]) {
	const how = marked ? 'that say what they are' : 'that say nothing of themselves';
	test(`layers of the registry ${how} go to masters, and not to nodes`, async t => {
		const {store, run} = await scene(t);
		const layers = [bin('one'), embedded('pause', '3.9', 'pause')];
		await putLayers(store, 'demo:v1', layers, marked ? [undefined, 'registry'] : []);
		const hosts = [localTarget('m', ['master']), localTarget('n', ['node']), localTarget('r', ['node', 'registry'])];
		const [master, node, registry] = values(await run({hosts}));
		t.true(existsSync(join(master!.images[0]!.path, 'registry')));
		t.false(existsSync(join(node!.images[0]!.path, 'registry')));
		t.true(existsSync(join(node!.images[0]!.path, 'bin/kubelet')));
		t.true(existsSync(join(registry!.images[0]!.path, 'registry')));
	});
}

test('a host that fails is told as that, and the others get everything', async t => {
	const {dir, store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin('one')]);
	const open = localAgents(dir);
	const hosts = ['a', 'gone', 'b'].map(name => localTarget(name));
	const told = new Map<string, boolean>();
	const {outcomes} = await run({
		hosts,
		onHost: ({host, ok}) => told.set(host, ok),
		open: target =>
			target.name === 'gone'
				? {
						...open(target),
						async spawn() {
							throw new HostError('gone', 'ERR_HOST_UNREACHABLE', 'No route');
						},
					}
				: open(target),
	});
	t.deepEqual(
		outcomes.map(({ok}) => ok),
		[true, false, true],
	);
	t.deepEqual([...told].toSorted(), [
		['a', true],
		['b', true],
		['gone', false],
	]);
	t.like(outcomes[1], {error: {code: 'ERR_HOST_UNREACHABLE', host: 'gone'}});
});

test('an agent is brought to a host that has none', async t => {
	const {dir, store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin('one')]);
	const open = localAgents(dir);
	const installed: string[] = [];
	const {outcomes} = await run({
		hosts: [localTarget('a')],
		open: target => {
			const transport = open(target);
			return {
				...transport,
				async spawn(argv, options) {
					if (installed.length === 0 && argv[0] !== '/bin/sh')
						throw new HostError('a', 'ERR_AGENT_MISSING', 'There is none');
					return await transport.spawn(argv, options);
				},
			};
		},
		async installAgent({host}) {
			installed.push(host);
		},
	});
	t.deepEqual(installed, ['a']);
	t.true(outcomes[0]?.ok);
});

test('an image that is not in the store is told before any host is asked', async t => {
	const {run} = await scene(t);
	const open = (): never => t.fail('a host was opened') as never;
	await t.throwsAsync(run({hosts: [localTarget('a')], open}), {code: 'ERR_IMAGE_UNKNOWN'});
});

test('a host of a platform that the image has no variant for gets nothing', async t => {
	const {store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin('one')], [], {os: 'linux', architecture: 's390x'});
	const {outcomes, sentBytes} = await run({hosts: [localTarget('a')]});
	t.like(outcomes[0], {ok: false, error: {code: 'ERR_PLATFORM'}});
	t.is(sentBytes, 0);
});

test('progress tells bytes and hosts, and ends', async t => {
	const {store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin(randomBytes(100_000))]);
	const events: SealEvent[] = [];
	await run({hosts: [localTarget('a'), localTarget('b')], onEvent: event => events.push(event)});
	t.like(events[0], {type: 'step.started', id: 'distribute'});
	t.like(events.at(-1), {type: 'step.finished', id: 'distribute'});
	const hosts = events.filter(event => event.type === 'hosts.progress').at(-1);
	t.like(hosts, {totalHosts: 2, doneHosts: 2, failedHosts: 0});
	const bytes = events.filter(event => event.type === 'blob.progress').at(-1);
	t.true(bytes !== undefined && bytes.doneBytes === bytes.totalBytes);
});

test('an abort ends all of it, and the next run goes on', async t => {
	const {store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin('one'), [folder('etc'), file('etc/large', randomBytes(40_000_000))]]);
	const hosts = [localTarget('a'), localTarget('b')];
	const controller = new AbortController();
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'blob.progress' && event.doneBytes > 0) controller.abort(new Error('enough'));
	};
	await t.throwsAsync(run({hosts, signal: controller.signal, onEvent}), {message: 'enough'});
	for (const value of values(await run({hosts}))) t.true(value.movedBytes <= value.neededBytes);
	for (const value of values(await run({hosts}))) t.is(value.movedBytes, 0);
});

test('a preview tells what each host lacks and changes nothing', async t => {
	const {dir, store, run} = await scene(t);
	await putLayers(store, 'demo:v1', [bin(randomBytes(100_000))]);
	const request = {images: ['demo:v1'], hosts: [localTarget('a'), localTarget('b')], store, open: localAgents(dir)};
	await run({hosts: [localTarget('a')]});
	const {outcomes, sentBytes} = await previewDistribution(request);
	t.like(outcomes[0], {ok: true, value: {lacksAgent: false, missingBytes: 0, missingBlobs: 0}});
	t.like(outcomes[1], {ok: true, value: {lacksAgent: false, missingBlobs: 3}});
	t.true(sentBytes > 0);
	t.deepEqual(existsSync(join(hostRoot(dir, 'b'), 'blobs')), false);
});

function blobsOf(dir: string, host: string): string[] {
	return readdirSync(join(hostRoot(dir, host), 'blobs/sha256'));
}
