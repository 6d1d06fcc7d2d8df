import {once} from 'node:events';
import {get, type IncomingMessage} from 'node:http';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {openStore} from '../../lib/oci/store/store.js';
import {
	openPullThrough,
	type PullThroughOptions,
	type PullThroughStorage,
} from '../../lib/registry/server/upstream/pull-through.js';
import {openStoreStorage} from '../../lib/registry/storage/layout/open.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../lib/registry/storage/storage.js';
import {startRegistry, type TestRegistry} from './registry.js';
import {startServer, type TestClient} from './registry-server.js';
import {tempDir} from './temp-dir.js';

const storages: Readonly<Record<string, (dir: string) => Promise<RegistryStorage>>> = {
	stock: async dir => openStockStorage(dir, {create: true, durability: 'none'}),
	store: async dir => openStoreStorage(await openStore(join(dir, 'store')), {durability: 'none'}),
};

export interface CacheServer {
	readonly upstream: TestRegistry;
	readonly cache: PullThroughStorage;
	readonly local: RegistryStorage;
	readonly client: TestClient;
	readonly events: SealEvent[];
	/** Requests that the upstream got for blobs or manifests, by method and what they asked for. */
	asked(what: 'blobs' | 'manifests'): string[];
	/** Opens a GET without reading its body. */
	open(path: string): Promise<IncomingMessage>;
}

/** One test for each storage: a server that fetches `up.example` from a registry on loopback. */
export function overCaches(
	title: string,
	run: (t: ExecutionContext, server: CacheServer) => Promise<void>,
	options: Omit<PullThroughOptions, 'upstreams'> = {},
): void {
	for (const [kind, openStorage] of Object.entries(storages)) {
		test(`${title} (${kind})`, async t => run(t, await startCache(t, openStorage, options)));
	}
}

async function startCache(
	t: ExecutionContext,
	openStorage: (dir: string) => Promise<RegistryStorage>,
	options: Omit<PullThroughOptions, 'upstreams'>,
): Promise<CacheServer> {
	const upstream = await startRegistry(t);
	const events: SealEvent[] = [];
	const local = await openStorage(tempDir(t));
	const cache = openPullThrough(local, {
		upstreams: [{namespace: 'up.example', url: `http://${upstream.host}`}],
		onEvent: event => events.push(event),
		...options,
	});
	const client = await startServer(t, cache, {onEvent: event => events.push(event)});
	return {
		upstream,
		cache,
		local,
		client,
		events,
		asked: what =>
			upstream.requests.filter(one => one.includes(`/${what}/`)).map(one => one.replace(/ \/v2\/.*\/(?=[^/]*$)/, ' ')),
		async open(path) {
			const [response] = (await once(get({port: client.port, host: '127.0.0.1', path}), 'response')) as [
				IncomingMessage,
			];
			return response;
		},
	};
}
