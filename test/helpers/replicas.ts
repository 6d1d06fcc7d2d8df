import type {ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {
	openPullThrough,
	type PullThroughOptions,
	type PullThroughStorage,
} from '../../lib/registry/server/upstream/pull-through.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../lib/registry/storage/storage.js';
import {startRegistry, type TestRegistry} from './registry.js';
import {startServer, type TestClient} from './registry-server.js';
import {tempDir} from './temp-dir.js';

export interface Replicas {
	readonly servers: readonly TestRegistry[];
	/** What is kept here. */
	readonly local: RegistryStorage;
	readonly cache: PullThroughStorage;
	readonly client: TestClient;
	readonly events: SealEvent[];
}

/** A server that fetches every registry from several on loopback, in order. */
export async function startReplicas(
	t: ExecutionContext,
	count: number,
	options: Omit<PullThroughOptions, 'upstreams'> = {},
): Promise<Replicas> {
	const servers = await Promise.all(Array.from({length: count}, () => startRegistry(t)));
	for (const server of servers) server.intercept = withoutNamespace;
	const events: SealEvent[] = [];
	const local = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	const cache = openPullThrough(local, {
		upstreams: servers.map(({host}) => ({namespace: '*', url: `http://${host}`})),
		onEvent: event => events.push(event),
		...options,
	});
	const client = await startServer(t, cache);
	return {servers, local, cache, client, events};
}

/** The small registry of the tests knows no `ns`. */
export function withoutNamespace(request: {url?: string | undefined}): false {
	request.url = request.url?.replace(/\?.*/, '') ?? '';
	return false;
}
