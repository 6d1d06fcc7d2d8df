import {randomBytes} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../lib/core/errors.js';
import {copy} from '../../lib/oci/copy.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {digestOf} from '../../lib/oci/digest.js';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {verifyImage} from '../../lib/oci/validate.js';
import {openRegistry, type Registry} from '../../lib/registry/client/registry.js';
import {type Chaos, type Direction, type Fault, startChaos} from '../helpers/chaos.js';
import {putImage} from '../helpers/images.js';
import {startServer, storages} from '../helpers/registry-server.js';
import {tempDir} from '../helpers/temp-dir.js';

// Our client and our server with a bad way between them. Whatever happens, a transfer ends complete or with an error of
// ours, and damaged content is nowhere to be found.

const direction = fc.constantFrom<Direction>('up', 'down');
/** The start of a message, its head, the middle of a body, and behind most of them. */
const atByte = fc.oneof(
	fc.constantFrom(0, 1),
	fc.integer({min: 2, max: 700}),
	fc.integer({min: 700, max: 300_000}),
	fc.integer({min: 300_000, max: 1_500_000}),
);
const fault: fc.Arbitrary<Fault> = fc.oneof(
	fc.constant<Fault>({kind: 'none'}),
	fc.constant<Fault>({kind: 'refuse'}),
	fc.constantFrom<Fault>({kind: 'status', status: 429}, {kind: 'status', status: 503}, {kind: 'status', status: 502}),
	fc.record({kind: fc.constantFrom('reset' as const, 'end' as const, 'flip' as const), direction, atByte}),
	fc.record({kind: fc.constant('pause' as const), direction, atByte, forMs: fc.integer({min: 1, max: 400})}),
);
const faults = fc.array(fault, {minLength: 1, maxLength: 12});

for (const [kind, open] of Object.entries(storages)) {
	test(`pushes and pulls over a bad way end whole or with an error, and nothing damaged stays (${kind})`, async t => {
		const source = await openStore(tempDir(t), {durability: 'none'});
		const image = await makeImage(source);
		let whole = 0;
		let broken = 0;
		const count = (isWhole: boolean): void => {
			if (isWhole) whole++;
			else broken++;
		};
		await fc.assert(
			fc.asyncProperty(faults, faults, async (onPush, onPull) => {
				const client = await startServer(t, await open(tempDir(t)));
				const bad = await startChaos(t, client.port, onPush);
				count(await pushOver(t, source, bad));
				const straight = `127.0.0.1:${client.port}/team/app`;
				await checkServed(t, client.port, image);
				await withRegistry(registry => copy(source, 'app:v1', registry.repository(straight), {as: `${straight}:v1`}));
				count(await pullOver(t, await startChaos(t, client.port, onPull), image));
			}),
			{numRuns: 25},
		);
		t.log(`${whole} transfers ended whole, ${broken} with an error`);
		t.true(whole > 0);
	});
}

async function makeImage(store: Store): Promise<Descriptor> {
	const layers = [0, 100, 70_000, 1_200_000].map(size => randomBytes(size));
	const {mediaType, digest, size} = await putImage(store, {layers});
	await store.tag('app:v1', {mediaType, digest, size});
	return {mediaType, digest, size};
}

/** A client that does not wait long, so that a hundred transfers fit into a test. */
async function withRegistry<R>(work: (registry: Registry) => Promise<R>): Promise<R> {
	const registry = openRegistry({
		retry: {attempts: 3, firstDelayMs: 1, longestDelayMs: 5},
		idleTimeoutMs: 250,
		connectTimeoutMs: 2000,
	});
	try {
		return await work(registry);
	} finally {
		await registry.close();
	}
}

async function pushOver(t: ExecutionContext, source: Store, {host}: Chaos): Promise<boolean> {
	const place = `${host}/team/app`;
	return await endsWell(t, () =>
		withRegistry(registry => copy(source, 'app:v1', registry.repository(place), {as: `${place}:v1`})),
	);
}

async function pullOver(t: ExecutionContext, {host}: Chaos, image: Descriptor): Promise<boolean> {
	const dir = tempDir(t);
	const store = await openStore(dir, {durability: 'none'});
	const isWhole = await endsWell(t, () =>
		withRegistry(registry =>
			copy(registry.repository(`${host}/team/app`), `${host}/team/app:v1`, store, {as: 'app:v1'}),
		),
	);
	// Whatever happened on the way: every blob of the store is what its name says.
	for (const name of readdirSync(join(dir, 'blobs/sha256')))
		t.is(digestOf(readFileSync(join(dir, 'blobs/sha256', name))), `sha256:${name}`);
	if (isWhole) {
		const found = await store.resolve('app:v1');
		t.is(found.digest, image.digest);
		t.deepEqual((await verifyImage(store, found.digest)).findings, []);
	}
	await store.close();
	return isWhole;
}

/** True when the transfer succeeded; its failure must be an error with a code of ours that says what went wrong. */
async function endsWell(t: ExecutionContext, transfer: () => Promise<unknown>): Promise<boolean> {
	try {
		await transfer();
		return true;
	} catch (error) {
		if (!isSealError(error)) throw error;
		t.regex(error.code, /^ERR_(?:REGISTRY_|CONTENT_|IMAGE_UNKNOWN|MANIFEST_INVALID|NETWORK)/, error.message);
		return false;
	}
}

/** What the server gives out is right, whether the push succeeded or not; a manifest is there only with all it names. */
async function checkServed(t: ExecutionContext, port: number, image: Descriptor): Promise<void> {
	await withRegistry(async registry => {
		const repository = registry.repository(`127.0.0.1:${port}/team/app`);
		if (!(await repository.exists(image))) return;
		const {findings} = await verifyImage(repository, `127.0.0.1:${port}/team/app@${image.digest}`);
		t.deepEqual(findings, []);
	});
}
