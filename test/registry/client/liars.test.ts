import {existsSync, readdirSync, readFileSync} from 'node:fs';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {copy} from '../../../lib/oci/copy.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {sha256} from '../../helpers/images.js';
import {startRegistry, type TestRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

const layer = Buffer.alloc(1_200_000, 'layer');

type Lie = (registry: TestRegistry, request: IncomingMessage, response: ServerResponse) => boolean;

/** Every blob that the store shows is what its name says, no name points at anything, and nothing is left over. */
function checkClean(t: ExecutionContext, store: Store): void {
	const folder = join(store.root, 'blobs/sha256');
	for (const name of readdirSync(folder)) t.is(sha256(readFileSync(join(folder, name))), name);
	const partial = join(store.root, '.sealimage/partial');
	t.deepEqual(existsSync(partial) ? readdirSync(partial) : [], []);
}

const lie = test.macro({
	async exec(t, told: Lie, code: string, message: RegExp) {
		const registry = await startRegistry(t);
		registry.image('a:1', layer);
		registry.intercept = (request, response) => told(registry, request, response);
		const store = await openStore(join(tempDir(t), 'store'));
		const client = openRegistry({retry: {attempts: 3, firstDelayMs: 1}});
		t.teardown(() => client.close());
		await t.throwsAsync(copy(client, `${registry.host}/a:1`, store, {as: 'pulled:1'}), {code, message});
		t.deepEqual(await store.list(), []);
		checkClean(t, store);
		await store.close();
		t.deepEqual(existsSync(store.tempDir) ? readdirSync(store.tempDir) : [], []);
	},
	title: title => `a registry that lies is refused: ${title}`,
});

/** A lie about the layer. */
function ofLayer(answer: (response: ServerResponse) => unknown): Lie {
	return (registry, request, response) => {
		if (request.url?.endsWith(registry.blob(layer).digest) !== true) return false;
		answer(response);
		return true;
	};
}

/** A lie about manifests, told to requests of the given methods. */
function ofManifest(methods: string, answer: (response: ServerResponse, bytes: Buffer) => unknown): Lie {
	return (registry, request, response) => {
		if (request.url?.includes('/manifests/') !== true || !methods.split(' ').includes(request.method ?? ''))
			return false;
		answer(response, registry.content.get(registry.tags.get('a:1')!)!.bytes);
		return true;
	};
}

function writeForever(response: ServerResponse): void {
	const more = (): void => {
		if (!response.destroyed) response.write(Buffer.alloc(65_536, 0x20), () => setImmediate(more));
	};
	more();
}

const other = Buffer.alloc(layer.length, 'other');
const size = {'content-length': layer.length};
const manifest = {'content-type': mediaTypes.manifest};
const html = {'content-type': 'text/html; charset=utf-8'};

test(
	'a blob of other bytes',
	lie,
	ofLayer(r => r.writeHead(200, size).end(other)),
	'ERR_CONTENT_DIGEST',
	/wrong/,
);
test(
	'a blob with bytes after its end',
	lie,
	ofLayer(r => r.writeHead(200).end(Buffer.concat([layer, other]))),
	'ERR_CONTENT_SIZE',
	/longer/,
);
test(
	'a blob without end',
	lie,
	ofLayer(response => {
		response.writeHead(200);
		writeForever(response);
	}),
	'ERR_CONTENT_SIZE',
	/longer/,
);
test(
	'a blob that is announced shorter',
	lie,
	ofLayer(r => r.writeHead(200, {'content-length': 1000}).end(layer.subarray(0, 1000))),
	'ERR_CONTENT_SIZE',
	/shorter/,
);
test(
	'a blob under the digest of another',
	lie,
	ofLayer(r => r.writeHead(200, {...size, 'docker-content-digest': `sha256:${sha256(other)}`}).end(layer)),
	'ERR_CONTENT_DIGEST',
	/wrong/,
);
test(
	'a blob that is compressed though it was asked for as it is',
	lie,
	ofLayer(r => r.writeHead(200, {'content-encoding': 'gzip', 'content-length': 99}).end(layer.subarray(0, 99))),
	'ERR_REGISTRY_RESPONSE',
	/in the coding gzip/,
);
test(
	'a blob that is a sign-in page',
	lie,
	ofLayer(r => r.writeHead(200, html).end('<html>Sign in')),
	'ERR_REGISTRY_RESPONSE',
	/web page/,
);
test(
	'a blob that is said to be where it is not',
	lie,
	ofLayer(r => r.writeHead(307, {location: '/v2/elsewhere'}).end()),
	'ERR_CONTENT_MISSING',
	/is not in/,
);

test(
	'a manifest that is a sign-in page',
	lie,
	ofManifest('HEAD GET', r => r.writeHead(200, html).end('<html>Sign in')),
	'ERR_REGISTRY_RESPONSE',
	/web page where a registry was expected/,
);
test(
	'a manifest of 100 MB',
	lie,
	ofManifest('HEAD', r =>
		r
			.writeHead(200, {...manifest, 'content-length': 100_000_000, 'docker-content-digest': `sha256:${sha256(other)}`})
			.end(),
	),
	'ERR_CONTENT_SIZE',
	/has 100000000 bytes, at most 4194304 are read/,
);
test(
	'a manifest without end, announced by nothing',
	lie,
	ofManifest('HEAD GET', response => {
		response.writeHead(200, manifest);
		if (response.req.method === 'HEAD') response.end();
		else writeForever(response);
	}),
	'ERR_CONTENT_SIZE',
	/longer than the 4194304 bytes/,
);
test(
	'a manifest whose digest is said to be another',
	lie,
	ofManifest('HEAD GET', (response, bytes) => {
		const digest = {'docker-content-digest': `sha256:${sha256(other)}`};
		if (response.req.method === 'HEAD') response.writeHead(200, digest).end();
		else response.writeHead(200, {...manifest, ...digest}).end(bytes);
	}),
	'ERR_CONTENT_DIGEST',
	/wrong/,
);
test(
	'a manifest that is another than was announced',
	lie,
	ofManifest('GET', (r, bytes) => r.writeHead(200, manifest).end(Buffer.alloc(bytes.length, ' '))),
	'ERR_CONTENT_DIGEST',
	/wrong/,
);
test(
	'a manifest that is announced as an index',
	lie,
	ofManifest('HEAD', (response, bytes) => {
		const digest = `sha256:${sha256(bytes)}`;
		const headers = {'content-type': mediaTypes.index, 'content-length': bytes.length, 'docker-content-digest': digest};
		response.writeHead(200, headers).end();
	}),
	'ERR_MANIFEST_INVALID',
	/says it is .* but was found as/,
);
test(
	'a manifest that is a picture',
	lie,
	ofManifest('HEAD GET', r => r.writeHead(200, {'content-type': 'image/png'}).end('\u0089PNG')),
	'ERR_REGISTRY_RESPONSE',
	/of the unknown type image\/png/,
);
test(
	'a manifest that is no JSON',
	lie,
	(registry, request, response) => {
		if (request.url?.includes('/manifests/') !== true) return false;
		response.writeHead(200, manifest).end(request.method === 'HEAD' ? undefined : 'nothing of the kind');
		return registry !== undefined;
	},
	'ERR_MANIFEST_INVALID',
	/is not JSON/,
);
test(
	'indexes in indexes in indexes',
	lie,
	registry => {
		let inner = registry.tags.get('a:1')!;
		for (let depth = 0; depth < 20; depth++) {
			const child = {
				mediaType: mediaTypes.index,
				digest: inner as never,
				size: registry.content.get(inner)!.bytes.length,
			};
			const type = depth === 0 ? {mediaType: mediaTypes.manifest} : {};
			inner = registry.document('a:1', {
				schemaVersion: 2,
				mediaType: mediaTypes.index,
				manifests: [{...child, ...type}],
			});
		}
		registry.intercept = () => false;
		return false;
	},
	'ERR_MANIFEST_INVALID',
	/nested too deep/,
);

test('an index that names one image ten thousand times is asked for it once', async t => {
	const registry = await startRegistry(t);
	const digest = registry.image('a:1', 'layer');
	const child = {mediaType: mediaTypes.manifest, digest, size: registry.content.get(digest)!.bytes.length};
	registry.document('a:1', {
		schemaVersion: 2,
		mediaType: mediaTypes.index,
		manifests: Array.from({length: 10_000}, () => child),
	});
	const store = await openStore(join(tempDir(t), 'store'));
	const client = openRegistry();
	await copy(client, `${registry.host}/a:1`, store, {as: 'pulled:1'});
	await client.close();
	t.is(registry.requests.filter(line => line.includes(digest)).length, 1);
	checkClean(t, store);
});
