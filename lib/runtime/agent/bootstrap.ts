import {waitFor} from '../../core/abortable.js';
import {acceptableAddresses} from '../relay/addresses.js';
import type {Transport} from '../transport/transport.js';
import type {AgentFile} from './bundle/bundle.js';
import {openAgent} from './connection.js';
import {type Installed, type InstallOptions, installAgent} from './install/install.js';
import {agentPrefix} from './install/layout.js';
import {downloadTools, takeFile} from './install/take.js';
import type {AgentConnection} from './protocol.js';

/** Installs the agent on many hosts: a few get it from the operator, the others from those that have it. */
export interface AgentInstaller extends AsyncDisposable {
	/**
	 * As `installAgent`. The transport must stay open until `close` when `keeps` says so.
	 * @throws what installAgent throws
	 */
	install(transport: Transport): Promise<Installed>;
	/** True while the host of this transport may have to pass the agent on. */
	keeps(transport: Transport): boolean;
	/** Ends what hosts offer to each other. Transports stay open. */
	close(): Promise<void>;
}

export interface AgentInstallerOptions extends Omit<InstallOptions, 'carry'> {
	/** False: every host gets everything from the operator. Default true. */
	readonly hostToHost?: boolean | undefined;
}

/** Copies that leave the operator at once: until there are hosts that can pass one on, and when hosts do not reach each other. */
const maxDirect = 2;
const maxDirectAlone = 8;
/** So many failures without one success mean that hosts do not reach each other. */
const enoughFailures = 3;
/** Downloads at once from one host: two double the number of hosts in each round, and its link is its own. */
const maxTakers = 2;
/** Hosts that are kept ready to pass on. */
const maxSources = 64;
/** Smaller files come from the operator. */
const minBytes = 8 * 1024 * 1024;
const attempts = 3;

export function createAgentInstaller(options: AgentInstallerOptions): AgentInstaller {
	const pools = new Map<string, Pool>();
	const poolOf = (digest: string): Pool => {
		const pool: Pool = pools.get(digest) ?? {sources: [], direct: 0, waiting: [], passed: 0, failed: 0};
		pools.set(digest, pool);
		return pool;
	};
	const close = async (): Promise<void> => {
		const sources = [...pools.values()].flatMap(pool => pool.sources.splice(0));
		await Promise.allSettled(sources.map(async ({agent}) => (await agent)?.close()));
	};
	return {
		async install(transport) {
			if (options.hostToHost === false) return await installAgent(transport, options);
			const direct = new Set<Pool>();
			const large: AgentFile[] = [];
			const path = `${options.prefix ?? agentPrefix}/bin/sealimage-agent`;
			try {
				const installed = await installAgent(transport, {
					...options,
					bundle: async platform => {
						const bundle = await options.bundle(platform);
						large.push(...bundle.files.filter(file => file.sizeBytes >= minBytes));
						return bundle;
					},
					async carry(file, target, tools) {
						if (file.sizeBytes < minBytes) return false;
						const pool = poolOf(file.digest);
						const canTake = downloadTools.some(tool => tools.has(tool));
						if (!canTake) pool.direct++;
						else if (await carry(transport, file, target, pool, options)) return true;
						direct.add(pool);
						return false;
					},
				});
				for (const file of large) addSource(poolOf(file.digest), transport, path);
				return installed;
			} finally {
				for (const pool of direct) pool.direct--;
				for (const pool of pools.values()) wake(pool);
			}
		},
		keeps: transport => [...pools.values()].some(pool => pool.sources.some(source => source.transport === transport)),
		close,
		[Symbol.asyncDispose]: close,
	};
}

/** Who has a file. */
interface Pool {
	readonly sources: Source[];
	/** Hosts that are getting it from the operator. */
	direct: number;
	readonly waiting: Array<() => void>;
	/** Times that one host took it from another, or could not. */
	passed: number;
	failed: number;
}

interface Source {
	readonly transport: Transport;
	readonly path: string;
	agent: Promise<AgentConnection> | undefined;
	takers: number;
}

function addSource(pool: Pool, transport: Transport, path: string): void {
	if (pool.sources.length < maxSources) pool.sources.push({transport, path, agent: undefined, takers: 0});
}

function wake(pool: Pool): void {
	for (const resolve of pool.waiting.splice(0)) resolve();
}

/** False when the host has to get the file from the operator; it is counted as one of those then. */
async function carry(
	transport: Transport,
	file: AgentFile,
	path: string,
	pool: Pool,
	options: AgentInstallerOptions,
): Promise<boolean> {
	const tried = new Set<Source>();
	for (let attempt = 0; attempt < attempts; attempt++) {
		const source = await choose(pool, tried, options.signal);
		if (source === undefined) return false;
		tried.add(source);
		try {
			const offered = await askFor(source, file, options);
			if (offered === undefined) drop(pool, source);
			else if (await takeFile(transport, file, path, offered, options)) {
				pool.passed++;
				return true;
			} else pool.failed++;
		} finally {
			source.takers--;
			wake(pool);
		}
	}
	pool.direct++;
	return false;
}

/**
 * The source with the fewest takers, of those that were not tried; undefined, and counted, when the operator should send. Waits while all
 * have enough to do.
 */
async function choose(
	pool: Pool,
	tried: ReadonlySet<Source>,
	signal: AbortSignal | undefined,
): Promise<Source | undefined> {
	for (;;) {
		signal?.throwIfAborted();
		const isAlone = pool.passed === 0 && pool.failed >= enoughFailures;
		const open = isAlone ? [] : pool.sources.filter(source => !tried.has(source));
		const [source] = open.filter(({takers}) => takers < maxTakers).sort((a, b) => a.takers - b.takers);
		if (source !== undefined) {
			source.takers++;
			return source;
		}
		if (open.length === 0 && pool.direct < (isAlone ? maxDirectAlone : maxDirect)) {
			pool.direct++;
			return undefined;
		}
		await waitFor(new Promise<void>(resolve => pool.waiting.push(resolve)), {signal});
	}
}

async function askFor(
	source: Source,
	file: AgentFile,
	{signal}: AgentInstallerOptions,
): Promise<{readonly addresses: ReturnType<typeof acceptableAddresses>; readonly path: string} | undefined> {
	try {
		source.agent ??= openAgent(source.transport, {path: source.path, signal});
		const {addresses, path} = ((await (await source.agent).call('offer', {file: file.name}, {signal})) ?? {}) as {
			addresses?: unknown;
			path?: unknown;
		};
		const acceptable = acceptableAddresses(addresses);
		if (acceptable.length === 0 || typeof path !== 'string' || !/^\/[0-9a-f]{32}$/.test(path)) return undefined;
		return {addresses: acceptable, path};
	} catch {
		signal?.throwIfAborted();
		return undefined;
	}
}

function drop(pool: Pool, source: Source): void {
	const at = pool.sources.indexOf(source);
	if (at === -1) return;
	pool.sources.splice(at, 1);
	void source.agent?.then(agent => agent.close()).catch(() => undefined);
}
