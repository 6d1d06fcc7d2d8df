import {readdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';
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
	planBuild,
	type Store,
} from '../../../lib/index.js';
import {readLayer} from '../../../lib/oci/layer/read.js';
import {type ContextEntry, madeAt, makeContext} from '../../helpers/context.js';
import {tempDir} from '../../helpers/temp-dir.js';

const amd64 = parsePlatform('linux/amd64');
const arm64 = parsePlatform('linux/arm64');

interface Made {
	readonly store: Store;
	readonly context: string;
	readonly result: BuildResult;
	readonly events: readonly SealEvent[];
}

async function make(
	t: ExecutionContext,
	entries: Readonly<Record<string, ContextEntry>>,
	options: Partial<BuildOptions> = {},
): Promise<Made> {
	const context = makeContext(tempDir(t), entries);
	const store = await openStore(tempDir(t));
	const {result, events} = await again(store, context, options);
	return {store, context, result, events};
}

async function again(
	store: Store,
	context: string,
	options: Partial<BuildOptions> = {},
): Promise<{result: BuildResult; events: SealEvent[]}> {
	const events: SealEvent[] = [];
	const result = await build({context, store, platforms: [amd64], onEvent: event => events.push(event), ...options});
	return {result, events};
}

async function entriesOf({store, result}: Made, layer: number): Promise<string[]> {
	const {manifest} = await loadImage(store, result.descriptor, amd64);
	const names: string[] = [];
	for await (const {header} of readLayer(await store.fetch(manifest.layers[layer]!))) {
		names.push(
			`${header.type} ${header.path} ${header.mode.toString(8)} ${header.uid}:${header.gid} ${header.size} ${header.mtime}`,
		);
	}
	return names;
}

test('COPY makes a layer of the files with their modes and times, owned by root', async t => {
	const made = await make(t, {
		Sealfile: 'FROM scratch\nCOPY chart /charts/web/\n',
		'chart/a.yaml': 'a: 1\n',
		'chart/run.sh': {text: '#!/bin/sh\n', mode: 0o755},
	});
	t.deepEqual(await entriesOf(made, 0), [
		'directory charts 755 0:0 0 0',
		`directory charts/web 755 0:0 0 ${madeAt}`,
		`file charts/web/a.yaml 644 0:0 5 ${madeAt}`,
		`file charts/web/run.sh 755 0:0 10 ${madeAt}`,
	]);
});

test('FROM scratch starts from an empty config and history tells each instruction', async t => {
	const {store, result} = await make(t, {
		Sealfile:
			'FROM scratch\nARG V=1\nENV version=$V\nLABEL sealos.io.type=rootfs\nCOPY f /\nCMD ["helm install web charts/web"]\n',
		f: 'x',
	});
	const {config} = await loadImage(store, result.descriptor, amd64);
	t.deepEqual(config.config, {
		Env: ['version=1'],
		Cmd: ['helm install web charts/web'],
		Labels: {'sealos.io.type': 'rootfs'},
	});
	t.deepEqual(
		config.history?.map(entry => [entry.created_by, entry.empty_layer ?? false, entry.created]),
		[
			['ARG V=1', true, '1970-01-01T00:00:00Z'],
			['ENV version=1', true, '1970-01-01T00:00:00Z'],
			['LABEL sealos.io.type=rootfs', true, '1970-01-01T00:00:00Z'],
			['COPY f /', false, '2024-01-02T03:04:05Z'],
			['CMD ["helm install web charts/web"]', true, '2024-01-02T03:04:05Z'],
		],
	);
	t.is(config.created, '2024-01-02T03:04:05Z');
});

test('an unchanged build takes every layer from the cache and reads no file contents', async t => {
	const {store, context, result} = await make(t, {Sealfile: 'FROM scratch\nCOPY . /\n', big: 'x'.repeat(32 << 20)});
	await again(store, context);
	const before = bytesRead();
	const second = await again(store, context);
	t.true(bytesRead() - before < 4 << 20);
	t.is(second.result.descriptor.digest, result.descriptor.digest);
	t.deepEqual(
		second.events.filter(({type}) => type === 'step.cached' || type === 'step.finished').map(({type}) => type),
		['step.cached'],
	);
});

test('a file with another time but the same content keeps the layer', async t => {
	const {store, context, result} = await make(t, {Sealfile: 'FROM scratch\nCOPY f /\n', f: 'same'});
	utimesSync(join(context, 'f'), madeAt + 5, madeAt + 5);
	const {result: second} = await again(store, context);
	t.is(second.descriptor.digest, result.descriptor.digest);
});

test('a changed file of the same size makes another layer', async t => {
	const {store, context, result} = await make(t, {Sealfile: 'FROM scratch\nCOPY f /\n', f: 'aaaa'});
	writeFileSync(join(context, 'f'), 'bbbb');
	utimesSync(join(context, 'f'), madeAt, madeAt);
	const {result: second} = await again(store, context);
	t.not(second.descriptor.digest, result.descriptor.digest);
});

test('several platforms make an index in the order asked for, and share the layers that are equal', async t => {
	const {store, result, events} = await make(
		t,
		{
			Sealfile: 'FROM scratch\nARG TARGETARCH\nCOPY common /\nCOPY bin/$TARGETARCH /bin/\n',
			common: 'c',
			'bin/amd64/tool': 'A',
			'bin/arm64/tool': 'B',
		},
		{platforms: [arm64, amd64]},
	);
	const index = JSON.parse(Buffer.concat(await chunks(await store.fetch(result.descriptor))).toString()) as {
		manifests: {platform: unknown}[];
	};
	t.deepEqual(
		index.manifests.map(({platform}) => platform),
		[
			{architecture: 'arm64', os: 'linux'},
			{architecture: 'amd64', os: 'linux'},
		],
	);
	const [first, second] = result.platforms;
	t.is(first?.layers[0]?.diffID, second?.layers[0]?.diffID);
	t.not(first?.layers[1]?.diffID, second?.layers[1]?.diffID);
	t.is(events.filter(event => event.type === 'step.finished' && event.title.startsWith('COPY common')).length, 1);
});

test('COPY --from takes files of an earlier stage, and a stage that nothing needs is not built', async t => {
	const made = await make(t, {
		Sealfile:
			'FROM scratch AS unused\nCOPY missing /\nFROM scratch AS files\nCOPY --chown=7:8 f /dir/\nFROM scratch\nCOPY --from=files /dir/f /out/f\n',
		f: 'content',
	});
	t.deepEqual(await entriesOf(made, 0), ['directory out 755 0:0 0 0', `file out/f 644 7:8 7 ${madeAt}`]);
});

test('a stage built FROM another inherits its files, config and arguments', async t => {
	const made = await make(t, {
		Sealfile: 'FROM scratch AS base\nARG X=from-base\nENV A=1\nCOPY f /\nFROM base\nENV B=$X\nCOPY g /\n',
		f: 'f',
		g: 'g',
	});
	const {config, manifest} = await loadImage(made.store, made.result.descriptor, amd64);
	t.deepEqual(config.config?.Env, ['A=1', 'B=from-base']);
	t.is(manifest.layers.length, 2);
});

test('a base image from the store keeps its layers byte for byte, and its ONBUILD triggers run once', async t => {
	const {store, context} = await make(
		t,
		{Sealfile: 'FROM scratch\nCOPY f /base\nONBUILD COPY f /triggered\n', f: 'f'},
		{tags: ['base:v1']},
	);
	writeFileSync(join(context, 'Child'), 'FROM base:v1\nLABEL a=b\n');
	const {result} = await again(store, context, {file: join(context, 'Child'), tags: ['child']});
	const base = await loadImage(store, await store.resolve('base:v1'), amd64);
	const child = await loadImage(store, result.descriptor, amd64);
	t.deepEqual(child.manifest.layers[0], base.manifest.layers[0]);
	t.deepEqual(await entriesOf({store, context, result, events: []}, 1), [`file triggered 644 0:0 1 ${madeAt}`]);
	t.is(child.config.config?.OnBuild, undefined);
});

test('--timestamp sets created and clamps newer files', async t => {
	const made = await make(
		t,
		{Sealfile: 'FROM scratch\nCOPY f old /d/\n', f: 'f', old: {text: 'o', mtime: 1000}},
		{timestamp: 5000},
	);
	const {config} = await loadImage(made.store, made.result.descriptor, amd64);
	t.is(config.created, '1970-01-01T01:23:20Z');
	t.deepEqual(await entriesOf(made, 0), [
		'directory d 755 0:0 0 5000',
		'file d/f 644 0:0 1 5000',
		'file d/old 644 0:0 1 1000',
	]);
});

test('WORKDIR makes its folder once, owned by the USER', async t => {
	const made = await make(t, {Sealfile: 'FROM scratch\nUSER 5:6\nWORKDIR /a/b\nWORKDIR /a/b\n'});
	const {config, manifest} = await loadImage(made.store, made.result.descriptor, amd64);
	t.is(manifest.layers.length, 1);
	t.deepEqual(await entriesOf(made, 0), ['directory a 755 5:6 0 0', 'directory a/b 755 5:6 0 0']);
	t.is(config.config?.WorkingDir, '/a/b');
	t.is(config.history?.filter(entry => !entry.empty_layer).length, 1);
});

test('labels, environment and annotations of the caller come last', async t => {
	const {store, result} = await make(
		t,
		{Sealfile: 'FROM scratch\nLABEL a=1 b=1\nENV A=1\n'},
		{labels: {b: '2'}, env: {A: '2', B: '3'}, annotations: {z: '1', y: '2'}},
	);
	const {config, manifest} = await loadImage(store, result.descriptor, amd64);
	t.deepEqual(config.config, {Env: ['A=2', 'B=3'], Labels: {a: '1', b: '2'}});
	t.deepEqual(manifest.annotations, {y: '2', z: '1'});
});

test('docker format has docker media types throughout', async t => {
	const {store, result} = await make(
		t,
		{Sealfile: 'FROM scratch\nCOPY f /\n', f: 'f'},
		{format: 'docker', platforms: [amd64, arm64]},
	);
	t.is(result.descriptor.mediaType, 'application/vnd.docker.distribution.manifest.list.v2+json');
	const {manifest} = await loadImage(store, result.descriptor, amd64);
	t.is(manifest.config.mediaType, 'application/vnd.docker.container.image.v1+json');
	t.is(manifest.layers[0]?.mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip');
});

test('a failing step names its line and leaves neither a name nor a temporary file', async t => {
	const context = makeContext(tempDir(t), {Sealfile: 'FROM scratch\n\nCOPY missing /\n'});
	const store = await openStore(tempDir(t));
	const error = await t.throwsAsync(again(store, context, {tags: ['x']}));
	t.like(error, {code: 'ERR_COPY_SOURCE', details: {line: 3, instruction: 'COPY missing /'}});
	await t.throwsAsync(store.resolve('x'), {code: 'ERR_IMAGE_UNKNOWN'});
	t.deepEqual(left(store), []);
});

test('an aborted build rejects with the reason and leaves no temporary file', async t => {
	const context = makeContext(tempDir(t), {Sealfile: 'FROM scratch\nCOPY . /\n', big: 'y'.repeat(64 << 20)});
	const store = await openStore(tempDir(t));
	const controller = new AbortController();
	const reason = new Error('enough');
	const abortSoon = (event: SealEvent): void => {
		if (event.type === 'step.started') setImmediate(() => controller.abort(reason));
	};
	const error = await t.throwsAsync(build({context, store, signal: controller.signal, onEvent: abortSoon}));
	t.is(error, reason);
	t.deepEqual(left(store), []);
});

test('a plan tells what is cached and writes nothing', async t => {
	const {store, context} = await make(t, {Sealfile: 'FROM scratch\nCOPY f /\n', f: 'f'});
	writeFileSync(join(context, 'Sealfile'), 'FROM scratch\nCOPY f /\nCOPY Sealfile /s\n');
	const blobs = readdirSync(join(store.root, 'blobs/sha256')).length;
	const plan = await planBuild({context, store, platforms: [amd64]});
	t.deepEqual(
		plan.platforms[0]?.stages[0]?.steps.map(({line, outcome}) => [line, outcome]),
		[
			[2, 'cached'],
			[3, 'planned'],
		],
	);
	t.is(readdirSync(join(store.root, 'blobs/sha256')).length, blobs);
});

test('a base image that is nowhere is named with a hint', async t => {
	const error = await t.throwsAsync(make(t, {Sealfile: 'FROM nowhere:v9\n'}));
	t.like(error, {code: 'ERR_IMAGE_UNKNOWN', details: {line: 1}});
});

test('an unused build argument is a warning', async t => {
	const {result} = await make(t, {Sealfile: 'FROM scratch\n'}, {buildArgs: {WHAT: '1'}});
	t.deepEqual(
		result.diagnostics.map(({code, message}) => [code, message]),
		[['UnusedBuildArg', 'One or more build arguments were not used: WHAT']],
	);
});

function left(store: Store): string[] {
	return readdirSync(store.tempDir)
		.flatMap(name => readdirSync(join(store.tempDir, name)))
		.filter(name => !name.startsWith('.'));
}

/** Bytes this process has asked the kernel for so far (proc(5), "io"). */
function bytesRead(): number {
	return Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

async function chunks(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
	const all: Uint8Array[] = [];
	for await (const chunk of bytes) all.push(chunk);
	return all;
}
