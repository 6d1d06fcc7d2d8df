import {type ChildProcess, fork, spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openStore} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {startRegistry, type TestRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

const puller = join(process.cwd(), '.build/test/fixtures/processes/puller.js');
const layer = randomBytes(8_000_000);

function ended(child: ChildProcess): Promise<void> {
	return new Promise(resolve => {
		if (child.exitCode !== null || child.signalCode !== null) resolve();
		else child.once('exit', () => resolve());
	});
}

function partialSize(root: string): number {
	const folder = join(root, '.sealimage/partial');
	const [name] = readdirSync(folder).filter(one => !one.endsWith('.lock'));
	return name === undefined ? 0 : statSync(join(folder, name)).size;
}

/** Gives the layer up to `bytes`, and then nothing more, with the line open. */
function stallAt(registry: TestRegistry, bytes: number): Promise<void> {
	return new Promise(resolve => {
		registry.intercept = (request, response) => {
			if (request.url?.endsWith(registry.blob(layer).digest) !== true) return false;
			const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
			response.writeHead(start > 0 ? 206 : 200, {
				'content-length': layer.length - start,
				...(start > 0 ? {'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}`} : {}),
			});
			response.write(layer.subarray(start, bytes), () => resolve());
			return true;
		};
	});
}

test('after kill -9 in the middle of a pull the next process asks for the rest only', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', layer);
	const root = join(tempDir(t), 'store');
	let size = 0;
	for (const end of [3_000_000, 6_000_000]) {
		const reached = stallAt(registry, end);
		const child = fork(puller, [root, `${registry.host}/a:1`]);
		await reached;
		// What is on the way to the disk is written in pieces of some hundred kB.
		while (partialSize(root) < end - 1_100_000) await new Promise(resolve => setTimeout(resolve, 5));
		child.kill('SIGKILL');
		await ended(child);
		t.true(partialSize(root) > size);
		size = partialSize(root);
		t.deepEqual((await (await openStore(root)).list()).length, 0);
	}
	registry.intercept = () => false;
	registry.requests.length = 0;
	const child = fork(puller, [root, `${registry.host}/a:1`]);
	await ended(child);
	t.is(child.exitCode, 0);
	const layerRequests = registry.requests.filter(line => line.includes(registry.blob(layer).digest));
	t.deepEqual(layerRequests, [`GET /v2/a/blobs/${registry.blob(layer).digest} bytes=${size}-`]);
	const store = await openStore(root);
	t.deepEqual((await verifyImage(store, 'pulled:1')).findings, []);
	t.deepEqual(readdirSync(join(root, '.sealimage/partial')), []);
	t.deepEqual(readdirSync(store.tempDir), []);
});

test('kill -9 at any moment of a pull leaves a store from which the next pull ends well', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', layer);
	const root = join(tempDir(t), 'store');
	for (let round = 0; round < 12; round++) {
		const child = fork(puller, [root, `${registry.host}/a:1`]);
		await new Promise(resolve => child.once('message', resolve));
		await new Promise(resolve => setTimeout(resolve, Math.random() * 120));
		child.kill('SIGKILL');
		await ended(child);
		const store = await openStore(root, {lockTimeoutMs: 5000});
		for (const {names} of await store.list()) {
			for (const name of names) t.deepEqual((await verifyImage(store, name)).findings, []);
		}
		await store.close();
	}
	const child = fork(puller, [root, `${registry.host}/a:1`]);
	await ended(child);
	t.is(child.exitCode, 0);
	const store = await openStore(root);
	t.deepEqual((await verifyImage(store, 'pulled:1')).findings, []);
	// Half-written locks of killed processes are named otherwise, and go when they are old.
	t.deepEqual(
		readdirSync(join(root, '.sealimage/partial')).filter(name => !name.endsWith('.tmp')),
		[],
	);
});

test('a disk that fills up during a pull is ERR_NO_SPACE, and leaves a store that is whole and no beginning', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', layer);
	const root = join(tempDir(t), 'store');
	// A limit on the size of files (in KiB) fails writes as a full disk does, without one.
	const script = 'ulimit -f 4096; trap "" XFSZ; exec "$0" "$@"';
	const child = spawn('sh', ['-c', script, process.execPath, puller, root, `${registry.host}/a:1`]);
	let said = '';
	child.stderr.on('data', (chunk: Buffer) => {
		said += chunk.toString();
	});
	await ended(child);
	t.regex(said, /ERR_NO_SPACE/);
	const store = await openStore(root);
	t.deepEqual(await store.list(), []);
	t.deepEqual(readdirSync(join(root, '.sealimage/partial')), []);
	t.false(readdirSync(join(root, 'blobs/sha256')).includes(registry.blob(layer).digest.slice(7)));
});
