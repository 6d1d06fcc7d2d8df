import {once} from 'node:events';
import {type IncomingHttpHeaders, request} from 'node:http';
import {connect} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {type Descriptor, describe} from '../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../lib/oci/digest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore} from '../../lib/oci/store/store.js';
import type {ServeOptions} from '../../lib/registry/server/options.js';
import {serveRegistry} from '../../lib/registry/server/serve.js';
import {openStoreStorage} from '../../lib/registry/storage/layout/open.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../lib/registry/storage/storage.js';
import {tempDir} from './temp-dir.js';

/** The storages that every behaviour of the server is tried over. */
export const storages: Readonly<Record<string, (dir: string) => Promise<RegistryStorage>>> = {
	stock: async dir => openStockStorage(dir, {create: true, durability: 'none'}),
	layout: async dir => {
		const store = await openStore(dir, {durability: 'none'});
		const storage = await openStoreStorage(store, {durability: 'none'});
		const close = async (): Promise<void> => {
			await storage.close();
			await store.close();
		};
		return {...storage, close};
	},
};

/** One test a storage: the same requests have the same answers over each. */
export function overStorages(
	title: string,
	run: (t: ExecutionContext, client: TestClient) => Promise<void>,
	options: ServeOptions = {},
): void {
	for (const [kind, open] of Object.entries(storages)) {
		test(`${title} (${kind})`, async t => {
			await run(t, await startServer(t, await open(tempDir(t)), options));
		});
	}
}

/** Serves a storage on a free port until the test ends. */
export async function startServer(
	t: ExecutionContext,
	storage: RegistryStorage,
	options: ServeOptions = {},
): Promise<TestClient> {
	const server = await serveRegistry(storage, {port: 0, ...options});
	t.teardown(async () => {
		await server.close();
		await storage.close();
	});
	return createClient(server.address.port, storage);
}

export interface Reply {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
	/** The body as JSON. */
	json(): unknown;
	/** The codes of its errors. */
	codes(): readonly string[];
}

export interface Sent {
	readonly headers?: Readonly<Record<string, string | readonly string[]>>;
	readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** HTTP without manners: paths, headers and bodies go out as they are. */
export interface TestClient {
	readonly port: number;
	readonly storage: RegistryStorage;
	send(method: string, path: string, sent?: Sent): Promise<Reply>;
	/** Bytes as they are; resolves with all that comes until the server closes. */
	raw(bytes: string | Uint8Array): Promise<string>;
	pushBlob(repository: string, content: string | Uint8Array): Promise<Descriptor>;
	/** Pushes a config, a layer and a manifest with more fields, under a tag or its digest. */
	pushImage(repository: string, tag: string | undefined, more?: object): Promise<PushedImage>;
	pushManifest(repository: string, reference: string, document: {readonly mediaType: string}): Promise<Reply>;
}

export interface PushedImage {
	readonly digest: Digest;
	readonly bytes: Buffer;
	readonly descriptor: Descriptor;
	readonly config: Descriptor;
	readonly layer: Descriptor;
}

export function createClient(port: number, storage: RegistryStorage): TestClient {
	const client: TestClient = {
		port,
		storage,
		send: async (method, path, sent) => exchange(port, method, path, sent),
		async raw(bytes) {
			const socket = connect(port, '127.0.0.1');
			let text = '';
			socket.on('data', chunk => {
				text += chunk.toString('latin1');
			});
			socket.on('error', () => {});
			socket.write(bytes);
			await once(socket, 'close');
			return text;
		},
		async pushBlob(repository, content) {
			const bytes = Buffer.from(content);
			const digest = digestOf(bytes);
			const reply = await client.send('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, {body: bytes});
			if (reply.status !== 201) throw new Error(`push of a blob: ${reply.status} ${reply.body.toString()}`);
			return describe(mediaTypes.layer, bytes);
		},
		async pushManifest(repository, reference, document) {
			return await client.send('PUT', `/v2/${repository}/manifests/${reference}`, {
				headers: {'content-type': document.mediaType},
				body: JSON.stringify(document),
			});
		},
		async pushImage(repository, tag, more = {}) {
			const layer = await client.pushBlob(repository, `layer of ${tag}`);
			const config = {...(await client.pushBlob(repository, `{"of":"${tag}"}`)), mediaType: mediaTypes.config};
			const document = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer], ...more};
			const bytes = Buffer.from(JSON.stringify(document));
			const descriptor = describe(document.mediaType, bytes);
			const reply = await client.pushManifest(repository, tag ?? descriptor.digest, document);
			if (reply.status !== 201) throw new Error(`push of a manifest: ${reply.status} ${reply.body.toString()}`);
			return {digest: descriptor.digest, bytes, descriptor, config, layer};
		},
	};
	return client;
}

async function exchange(port: number, method: string, path: string, {headers = {}, body}: Sent = {}): Promise<Reply> {
	const outgoing = request({host: '127.0.0.1', port, method, path, headers: headers as Record<string, string>});
	const answered = once(outgoing, 'response');
	if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
		for await (const chunk of body) outgoing.write(chunk);
		outgoing.end();
	} else {
		if (body !== undefined) outgoing.setHeader('content-length', Buffer.byteLength(body));
		outgoing.end(body);
	}
	const [response] = (await answered) as [import('node:http').IncomingMessage];
	const chunks: Uint8Array[] = [];
	for await (const chunk of response) chunks.push(chunk as Uint8Array);
	const whole = Buffer.concat(chunks);
	return {
		status: response.statusCode ?? 0,
		headers: response.headers,
		body: whole,
		json: () => JSON.parse(whole.toString()) as unknown,
		codes: () => (JSON.parse(whole.toString()) as {errors: Array<{code: string}>}).errors.map(({code}) => code),
	};
}
