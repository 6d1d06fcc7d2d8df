import {setTimeout as sleep} from 'node:timers/promises';
import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {createHttpClient, type HttpClient} from '../../core/http.js';
import {mapBounded} from '../../core/pool.js';
import {createTransport} from '../../registry/exchange/transport.js';
import type {MirrorConfig} from './config.js';
import {upstreamTransport} from './upstream-transport.js';

/** Whether something answers as it should, and why not. */
export interface Probe {
	readonly url: string;
	readonly ok: boolean;
	readonly why?: string | undefined;
}

export interface MirrorHealth {
	readonly loopback: Probe;
	/** The registries of the others, as this host reaches them, with its login. */
	readonly upstreams: readonly Probe[];
}

const probeMs = 5000;

/** Asks the registry of this host and those that it depends on. Rejects only when it is aborted. */
export async function probeMirror(config: MirrorConfig, options: Abortable = {}): Promise<MirrorHealth> {
	const client = createHttpClient({connectTimeoutMs: probeMs, idleTimeoutMs: probeMs});
	try {
		const [loopback, upstreams] = await Promise.all([
			probeLoopback(client, config, options),
			probeUpstreams(config, options),
		]);
		return {loopback, upstreams};
	} finally {
		await client.close();
	}
}

/** Resolves once the registry of this host answers; false when it did not in time. */
export async function waitForMirror(
	config: MirrorConfig,
	timeoutMs: number,
	options: Abortable = {},
): Promise<boolean> {
	const client = createHttpClient({connectTimeoutMs: probeMs, idleTimeoutMs: probeMs});
	const until = performance.now() + timeoutMs;
	try {
		while (!(await probeLoopback(client, config, options)).ok) {
			if (performance.now() >= until) return false;
			await sleep(100, undefined, options.signal === undefined ? {} : {signal: options.signal});
		}
		return true;
	} finally {
		await client.close();
	}
}

async function probeLoopback(client: HttpClient, {port}: MirrorConfig, {signal}: Abortable): Promise<Probe> {
	const url = `http://127.0.0.1:${port}`;
	try {
		const response = await client.request(`${url}/healthz`, {signal});
		await response.discard();
		return response.status === 200
			? {url, ok: true}
			: {url, ok: false, why: `It answers with status ${response.status}`};
	} catch (error) {
		signal?.throwIfAborted();
		return {url, ok: false, why: wordsOf(error)};
	}
}

async function probeUpstreams(config: MirrorConfig, options: Abortable): Promise<readonly Probe[]> {
	if (config.upstreams.length === 0) return [];
	const opened = await upstreamTransport(config).catch((error: unknown) => wordsOf(error));
	if (typeof opened === 'string') return config.upstreams.map(url => ({url, ok: false, why: opened}));
	const transport = createTransport(opened);
	try {
		return await mapBounded(config.upstreams, 16, async (url): Promise<Probe> => {
			try {
				const request = {host: new URL(url).host, repository: '', method: 'GET', path: '/v2/'} as const;
				const response = await transport.send(request, options);
				await response.discard();
				return {url, ok: true};
			} catch (error) {
				options.signal?.throwIfAborted();
				return {url, ok: false, why: wordsOf(error)};
			}
		});
	} finally {
		await transport.close();
	}
}

function wordsOf(error: unknown): string {
	return isSealError(error) || error instanceof Error ? error.message : String(error);
}
