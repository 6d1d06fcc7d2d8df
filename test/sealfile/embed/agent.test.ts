import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {
	type BuildOptions,
	type BuildResult,
	build,
	loadImage,
	openStore,
	parsePlatform,
	type Store,
} from '../../../lib/index.js';
import {readLayer} from '../../../lib/oci/layer/read.js';
import {smallBundle} from '../../helpers/agent-bundle.js';
import {makeContext} from '../../helpers/context.js';
import {tempDir} from '../../helpers/temp-dir.js';

const amd64 = parsePlatform('linux/amd64');
const rootfs = 'FROM scratch\nLABEL sealos.io.type=rootfs sealos.io.version=v1beta1\nCOPY f /\n';

test('a rootfs image gets the agent for its platform as a layer of its own, marked as such', async t => {
	const {result, store, asked} = await make(t, rootfs);
	t.deepEqual(asked, ['amd64']);
	const {manifest, config} = await loadImage(store, result.descriptor, amd64);
	const layer = manifest.layers.at(-1)!;
	t.is(layer.annotations?.['sealimage.io/component'], 'agent');
	t.is(config.history?.at(-1)?.created_by, `AGENT ${smallBundle().id}`);
	const names = [];
	for await (const {header} of readLayer(await store.fetch(layer)))
		names.push(`${header.path} ${header.mode.toString(8)} ${header.uid}:${header.gid} ${header.mtime}`);
	t.deepEqual(names, [
		'opt 755 0:0 0',
		'opt/sealimage 755 0:0 0',
		'opt/sealimage/agent.js 644 0:0 0',
		'opt/sealimage/agent.json 644 0:0 0',
		'opt/sealimage/node 755 0:0 0',
		'opt/sealimage/package.json 644 0:0 0',
	]);
});

test('an unchanged agent is taken from the cache, and two stores hold the same bytes', async t => {
	const first = await make(t, rootfs);
	const second = await again(first.store, first.context);
	t.is(second.result.descriptor.digest, first.result.descriptor.digest);
	t.true(second.events.some(event => event.type === 'step.cached' && event.title.startsWith('Add the agent')));
	t.is((await make(t, rootfs)).result.descriptor.digest, first.result.descriptor.digest);
});

test('another agent changes its own layer only', async t => {
	const first = await make(t, rootfs);
	const {result} = await again(first.store, first.context, {agent: async () => smallBundle('2.0.0')});
	const layers = (built: BuildResult): string[] => built.platforms[0]!.layers.map(layer => layer.diffID);
	t.deepEqual(layers(result).slice(0, -1), layers(first.result).slice(0, -1));
	t.not(layers(result).at(-1), layers(first.result).at(-1));
});

test('folders that the image has keep their modes', async t => {
	const {result, store} = await make(t, `${rootfs}COPY --chmod=700 f /opt/x/f\n`);
	const {manifest} = await loadImage(store, result.descriptor, amd64);
	const names = [];
	for await (const {header} of readLayer(await store.fetch(manifest.layers.at(-1)!))) names.push(header.path);
	t.is(names[0], 'opt/sealimage');
});

const unasked = test.macro(async (t: ExecutionContext, sealfile: string, options: Partial<BuildOptions> = {}) => {
	const {asked} = await make(t, sealfile, options);
	t.deepEqual(asked, []);
});
test('a plain image gets no agent', unasked, 'FROM scratch\nCOPY f /\n');
test('an application gets no agent', unasked, rootfs.replace('rootfs', 'application'));
test('without the option no image gets an agent', unasked, rootfs, {agent: undefined});

test('a label of the command line makes a rootfs image too', async t => {
	const {asked} = await make(t, 'FROM scratch\nCOPY f /\n', {labels: {'sealimage.io/type': 'rootfs'}});
	t.deepEqual(asked, ['amd64']);
});

test('a platform without an agent is warned of, and built without one', async t => {
	const {result, store} = await make(t, rootfs, {agent: async () => undefined});
	t.deepEqual(
		result.diagnostics.map(({code}) => code),
		['AgentMissing'],
	);
	t.is((await loadImage(store, result.descriptor, amd64)).manifest.layers.length, 1);
});

interface Made {
	readonly store: Store;
	readonly context: string;
	readonly result: BuildResult;
	readonly asked: readonly string[];
}

async function make(t: ExecutionContext, sealfile: string, options: Partial<BuildOptions> = {}): Promise<Made> {
	const context = makeContext(join(tempDir(t), 'context'), {Sealfile: sealfile, f: 'x'});
	const store = await openStore(tempDir(t));
	return {store, context, ...(await again(store, context, options))};
}

async function again(
	store: Store,
	context: string,
	options: Partial<BuildOptions> = {},
): Promise<{readonly result: BuildResult; readonly events: readonly SealEvent[]; readonly asked: readonly string[]}> {
	const events: SealEvent[] = [];
	const asked: string[] = [];
	const result = await build({
		context,
		store,
		platforms: [amd64],
		onEvent: event => events.push(event),
		agent: async platform => {
			asked.push(platform.architecture);
			return smallBundle();
		},
		...options,
	});
	return {result, events, asked};
}
