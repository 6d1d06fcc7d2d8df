import {randomBytes} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import type {ServerResponse} from 'node:http';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import {copy} from '../../../lib/oci/copy.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {openRegistry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import {sendError, startRegistry, type TestRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** Content that is kept over cuts, and content that is not. */
const layers = {large: randomBytes(1_500_000), small: randomBytes(300_000)} as const;
const quick: RegistryOptions = {retry: {attempts: 3, firstDelayMs: 1}};
/** Only where silence is the fault: a machine under load is silent for as long. */
const impatient: RegistryOptions = {...quick, idleTimeoutMs: 1000};

interface Case {
	readonly registry: TestRegistry;
	readonly store: Store;
	readonly digest: `sha256:${string}`;
	/** The ranges that the layer was asked for with; `whole` without one. */
	readonly asked: string[];
	pull(): Promise<string>;
}

type Fault = (response: ServerResponse, start: number) => void;

/** An image whose layer is answered by `fault` while `faulty` says so. */
async function startCase(
	t: ExecutionContext,
	layer: Buffer,
	fault: Fault,
	faulty: (attempt: number) => boolean,
	options = quick,
): Promise<Case> {
	const registry = await startRegistry(t);
	registry.image('a:1', layer);
	const {digest} = registry.blob(layer);
	const asked: string[] = [];
	registry.intercept = (request, response) => {
		if (request.method !== 'GET' || request.url?.endsWith(digest) !== true) return false;
		const range = request.headers.range;
		asked.push(range ?? 'whole');
		if (!faulty(asked.length - 1)) return false;
		fault(response, Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0));
		return true;
	};
	const store = await openStore(join(tempDir(t), 'store'));
	const pull = async (): Promise<string> => {
		const client = openRegistry(options);
		try {
			await copy(client, `${registry.host}/a:1`, store, {as: 'pulled:1'});
			return 'complete';
		} catch (error) {
			return isSealError(error) ? error.code : String(error);
		} finally {
			await client.close();
		}
	};
	return {registry, store, digest, asked, pull};
}

/** Whatever happened, what the store shows is right, and nothing unfinished lies between the blobs. */
async function checkStore(t: ExecutionContext, {store, digest}: Case, layer: Buffer, isThere: boolean): Promise<void> {
	const path = store.blobPath(digest);
	t.is(existsSync(path), isThere);
	if (isThere) {
		t.true(readFileSync(path).equals(layer));
		t.deepEqual((await verifyImage(store, 'pulled:1')).findings, []);
	} else t.deepEqual(await store.list(), []);
	const partial = join(store.root, '.sealimage/partial');
	for (const name of existsSync(partial) ? readdirSync(partial) : []) {
		const bytes = readFileSync(join(partial, name));
		t.true(bytes.equals(layer.subarray(0, bytes.length)), 'what is kept is a beginning of the right content');
	}
	await store.close();
	t.deepEqual(existsSync(store.tempDir) ? readdirSync(store.tempDir) : [], []);
}

/** Headers and a beginning of an answer; `chunked` says nothing of the length. */
function begin(response: ServerResponse, layer: Buffer, start: number, chunked: boolean): void {
	response.writeHead(start > 0 ? 206 : 200, {
		...(chunked ? {} : {'content-length': layer.length - start}),
		...(start > 0 ? {'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}`} : {}),
	});
	response.flushHeaders();
}

const manners: Readonly<Record<string, (response: ServerResponse) => void>> = {
	'a closed connection': response => void response.socket?.end(),
	'a reset': response => void response.socket?.resetAndDestroy(),
	'a clean end': response => void response.end(),
	silence: () => undefined,
};

/** A connection that goes may take with it what was received and not read yet: exact is only a clean end. */
function startOf(range: string | undefined): number {
	return Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
}

/** How far the answer gets, of `size` bytes; -1 is before its headers. */
const moments: Readonly<Record<string, (size: number) => number>> = {
	'before the headers': () => -1,
	'after the headers': () => 0,
	'at the first byte': () => 1,
	'in the middle': size => Math.floor(size / 2),
	'one byte before the end': size => size - 1,
};

function cutAt(layer: Buffer, moment: number, manner: string, chunked: boolean): Fault {
	const finish = manners[manner]!;
	return (response, start) => {
		if (moment < 0) return finish(response);
		begin(response, layer, start, chunked);
		const bytes = layer.subarray(start, Math.max(start, moment));
		// Later, so that what was written arrives before the connection goes.
		const later = (): void => void setTimeout(() => finish(response), 15);
		if (bytes.length === 0) later();
		else response.write(bytes, later);
	};
}

for (const [kind, layer] of Object.entries(layers)) {
	for (const [moment, at] of Object.entries(moments)) {
		for (const manner of Object.keys(manners)) {
			// An answer that ends well before its headers, or before the length that it gave, cannot be made.
			const chunked = manner === 'a clean end';
			if (chunked && moment === 'before the headers') continue;
			const end = at(layer.length);
			// What is large is asked for once more, in the usual way, of a server that gives no length.
			const probes = chunked && kind === 'large' ? 1 : 0;
			test(`${manner} ${moment} of a ${kind} blob: the rest is asked for, and the pull is complete`, async t => {
				const fault = cutAt(layer, end, manner, chunked);
				const options = manner === 'silence' ? impatient : quick;
				const one = await startCase(t, layer, fault, attempt => attempt <= probes, options);
				t.is(await one.pull(), 'complete');
				t.true(one.asked.length >= 2 + probes);
				if (end > 0 && manner === 'a clean end') t.is(one.asked[1 + probes], `bytes=${end}-`);
				else t.true(startOf(one.asked[1 + probes]) <= Math.max(0, end));
				await checkStore(t, one, layer, true);
			});
		}
		test(`cuts ${moment} of a ${kind} blob without end: the pull fails, and the next one is complete`, async t => {
			const end = at(layer.length);
			let isFaulty = true;
			const one = await startCase(t, layer, cutAt(layer, end, 'a reset', false), () => isFaulty);
			t.is(await one.pull(), 'ERR_REGISTRY_UNREACHABLE');
			t.true(one.asked.length >= 3);
			const reached = startOf(one.asked.at(-1));
			await checkStore(t, one, layer, false);
			isFaulty = false;
			one.asked.length = 0;
			t.is(await one.pull(), 'complete');
			t.is(one.asked.length, 1);
			const start = startOf(one.asked[0]);
			t.true(kind === 'large' ? start >= reached && start <= Math.max(0, end) : start === 0);
			await checkStore(t, one, layer, true);
		});
	}

	for (const [moment, at] of Object.entries(moments).slice(2)) {
		test(`one wrong bit ${moment} of a ${kind} blob is ERR_CONTENT_DIGEST, and the next pull is complete`, async t => {
			const wrong = Buffer.from(layer);
			wrong[at(layer.length)]! ^= 1;
			const corrupt: Fault = (response, start) => {
				begin(response, layer, start, false);
				response.end(wrong.subarray(start));
			};
			const one = await startCase(t, layer, corrupt, attempt => attempt === 0);
			t.is(await one.pull(), 'ERR_CONTENT_DIGEST');
			await checkStore(t, one, layer, false);
			t.is(await one.pull(), 'complete');
			t.deepEqual(one.asked, ['whole', 'whole']);
			await checkStore(t, one, layer, true);
		});
	}

	test(`bytes after the end of a ${kind} blob are not taken for content`, async t => {
		const tooMuch: Fault = response => {
			response.writeHead(200);
			response.end(Buffer.concat([layer, Buffer.from('x')]));
		};
		const one = await startCase(t, layer, tooMuch, attempt => attempt <= (kind === 'large' ? 1 : 0));
		t.is(await one.pull(), 'ERR_CONTENT_SIZE');
		await checkStore(t, one, layer, false);
		const announced: Fault = response => {
			begin(response, layer, 0, false);
			response.write(layer, () => void response.socket?.write('HTTP/1.1 200 and more'));
		};
		const other = await startCase(t, layer, announced, () => true);
		t.is(await other.pull(), 'complete');
		await checkStore(t, other, layer, true);
	});

	for (const status of [408, 425, 429, 500, 502, 503, 504, 522]) {
		test(`status ${status} to a ${kind} blob is waited out`, async t => {
			const later: Fault = response => {
				response.setHeader('retry-after', '0');
				sendError(response, status, 'UNAVAILABLE', 'later');
			};
			const one = await startCase(t, layer, later, attempt => attempt < 2);
			t.is(await one.pull(), 'complete');
			t.deepEqual(one.asked, ['whole', 'whole', 'whole']);
			await checkStore(t, one, layer, true);
		});
	}
}

test('a wrong bit in what came after a cut is ERR_CONTENT_DIGEST', async t => {
	const layer = layers.large;
	const wrong = Buffer.from(layer);
	wrong[1_400_000]! ^= 1;
	const fault: Fault = (response, start) => {
		begin(response, layer, start, false);
		if (start === 0) response.write(layer.subarray(0, 1_200_000), () => setTimeout(() => response.destroy(), 15));
		else response.end(wrong.subarray(start));
	};
	const one = await startCase(t, layer, fault, attempt => attempt < 3);
	t.is(await one.pull(), 'ERR_CONTENT_DIGEST');
	await checkStore(t, one, layer, false);
});

test('a beginning that another process left is dropped when the whole is wrong', async t => {
	const layer = layers.large;
	let isCut = true;
	const fault: Fault = (response, start) => {
		begin(response, layer, start, false);
		response.write(randomBytes(1_200_000), () => setTimeout(() => response.destroy(), 15));
	};
	const one = await startCase(t, layer, fault, () => isCut);
	t.not(await one.pull(), 'complete');
	isCut = false;
	one.asked.length = 0;
	t.is(await one.pull(), 'complete');
	t.is(one.asked.at(-1), 'whole');
	await checkStore(t, one, layer, true);
});

test('a manifest that is cut, late or refused for a while is asked for again', async t => {
	const registry = await startRegistry(t);
	const digest = registry.image('a:1');
	const {bytes, mediaType} = registry.content.get(digest)!;
	const faults: readonly ((response: ServerResponse) => unknown)[] = [
		response => response.socket?.resetAndDestroy(),
		response => response.writeHead(200, {'content-type': mediaType, 'content-length': bytes.length}).write('{'),
		response => response.writeHead(503).end(),
		response =>
			response
				.writeHead(200, {'content-type': mediaType, 'content-length': bytes.length})
				.write(bytes.subarray(0, -1), () => setTimeout(() => response.destroy(), 15)),
	];
	for (const fault of faults) {
		let attempts = 0;
		registry.intercept = (request, response) => {
			if (request.method !== 'GET' || request.url?.includes('/manifests/') !== true || attempts++ > 0) return false;
			fault(response);
			return true;
		};
		const store = await openStore(join(tempDir(t), 'store'));
		const client = openRegistry(fault === faults[1] ? impatient : quick);
		await copy(client, `${registry.host}/a:1`, store, {as: 'pulled:1'});
		t.true(attempts >= 2);
		t.deepEqual((await verifyImage(store, 'pulled:1')).findings, []);
		await client.close();
	}
});

test('a slow registry is waited for, as long as something comes', async t => {
	const layer = layers.large;
	const drip: Fault = response => {
		let done = 0;
		const more = (): void => {
			const next = Math.min(done + 100_000, layer.length);
			response.write(layer.subarray(done, next));
			done = next;
			if (done < layer.length) setTimeout(more, 40);
			else response.end();
		};
		setTimeout(() => {
			begin(response, layer, 0, false);
			more();
		}, 100);
	};
	// All of it takes longer than silence may.
	const one = await startCase(t, layer, drip, () => true, {...quick, idleTimeoutMs: 500});
	t.is(await one.pull(), 'complete');
	t.true(one.asked.length >= 1);
	await checkStore(t, one, layer, true);
});
