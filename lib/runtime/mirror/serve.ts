import {setTimeout as sleep} from 'node:timers/promises';
import {isSealError, systemCode} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {openAccess} from '../../registry/server/access/access.js';
import type {RegistryServer} from '../../registry/server/options.js';
import {serveRegistry} from '../../registry/server/serve.js';
import {openPullThrough} from '../../registry/server/upstream/pull-through.js';
import {openStockStorage} from '../../registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../registry/storage/storage.js';
import type {MirrorConfig, NetworkConfig} from './config.js';
import {upstreamTransport} from './upstream-transport.js';

/** The registry of a host, listening. */
export interface Mirror {
	/** Of loopback: `http://127.0.0.1:5443`. */
	readonly url: string;
	/** Of the network; undefined on hosts that give nothing to others. Waits for the address to be there. */
	readonly networkUrl: Promise<string | undefined>;
	close(): Promise<void>;
}

/**
 * Serves the content of a host: on loopback with what it can get from the others, to the others only what it has itself, so
 * that two hosts that lack the same never ask each other in circles. Writes are refused on both.
 * @throws SealError ERR_MIRROR_CONFIG, ERR_SERVER_LISTEN, ERR_SERVER_TLS, ERR_ACCESS_FILE, ERR_CERTIFICATE, ERR_IO, ERR_PERMISSION
 */
export async function serveMirror(config: MirrorConfig, options: OperationOptions = {}): Promise<Mirror> {
	const closers: (() => Promise<void> | void)[] = [];
	const close = async (): Promise<void> => {
		for (const closer of closers.splice(0).toReversed()) await closer();
	};
	try {
		const storage = await openStockStorage(config.root, {create: true, signal: options.signal});
		closers.push(() => storage.close());
		closers.push(sweepAbandoned(storage, options));
		const loopback = await openLoopback(config, storage, options);
		const local = await serveRegistry(loopback.storage, {...common(options), host: '127.0.0.1', port: config.port});
		closers.push(loopback.close, () => local.close());
		const network = config.network === undefined ? undefined : await openNetwork(config.network, storage, options);
		if (network !== undefined) closers.push(network.close);
		return {url: local.url, networkUrl: network?.url ?? Promise.resolve(undefined), close};
	} catch (error) {
		await close();
		throw error;
	}
}

/** Content comes from distribution and from the others, never from clients. */
function common({onEvent}: OperationOptions) {
	return {readOnly: true, deletes: false, sparseIndexes: true, stopMs: 10_000, metrics: true, onEvent} as const;
}

/** What came before a crash is of no use: fetches begin anew. */
const abandonedMs = 60 * 60 * 1000;

function sweepAbandoned(storage: RegistryStorage, options: OperationOptions): () => void {
	const sweep = (): void => {
		storage.uploads.sweep(abandonedMs).catch((error: unknown) => warn(options, 'MirrorSweep', error));
	};
	sweep();
	const timer = setInterval(sweep, abandonedMs).unref();
	return () => clearInterval(timer);
}

const answerMs = 5000;
const rests = {firstMs: 3000, longestMs: 15_000};
/** A node that asked for a tag a moment ago (containerd asks twice) knows. */
const tagTtlMs = 5000;

async function openLoopback(config: MirrorConfig, storage: RegistryStorage, {onEvent}: OperationOptions) {
	if (config.upstreams.length === 0) return {storage, close: () => {}};
	const cache = openPullThrough(withoutClose(storage), {
		upstreams: config.upstreams.map(url => ({namespace: '*', url})),
		transport: await upstreamTransport(config),
		replica: config.prefer,
		answerMs,
		rests,
		tagTtlMs,
		onEvent,
	});
	return {storage: cache, close: () => cache.close()};
}

/** The storage outlives the cache in front of it: the network is served from it, too. */
function withoutClose(storage: RegistryStorage): RegistryStorage {
	return {...storage, close: () => Promise.resolve()};
}

const addressPauseMs = 2000;

/** At boot the address may come later than this service, which must not keep loopback waiting. */
async function openNetwork(network: NetworkConfig, storage: RegistryStorage, options: OperationOptions) {
	const access = await openAccess({htpasswd: network.htpasswd, onEvent: options.onEvent});
	const stop = new AbortController();
	const tls = {cert: network.certificate, key: network.key};
	const open = (): Promise<RegistryServer> =>
		serveRegistry(storage, {...common(options), host: network.address, port: network.port, access, tls});
	const first = await open().catch(async (error: unknown) => {
		if (isWithoutAddress(error)) return undefined;
		await access.close?.();
		throw error;
	});
	const server = first === undefined ? openLater(open, stop.signal, options) : Promise.resolve(first);
	return {
		url: server.then(found => found?.url),
		async close() {
			stop.abort();
			await (await server)?.close();
			await access.close?.();
		},
	};
}

async function openLater(
	open: () => Promise<RegistryServer>,
	signal: AbortSignal,
	options: OperationOptions,
): Promise<RegistryServer | undefined> {
	for (let told: unknown; !signal.aborted; ) {
		await sleep(addressPauseMs, undefined, {signal}).catch(() => undefined);
		if (signal.aborted) break;
		try {
			return await open();
		} catch (error) {
			const message = error instanceof Error ? error.message : String(error);
			if (message !== told) warn(options, 'MirrorAddress', error);
			told = message;
		}
	}
	return undefined;
}

function isWithoutAddress(error: unknown): boolean {
	return isSealError(error) && error.code === 'ERR_SERVER_LISTEN' && error.details.systemCode === 'EADDRNOTAVAIL';
}

function warn(options: OperationOptions, code: string, error: unknown): void {
	const message = error instanceof Error ? error.message : (systemCode(error) ?? String(error));
	emit(options, {type: 'warning', code, message});
}
