import {type AccessLog, createAccessLog} from './access-log.js';
import {hasBody} from './body.js';
import type {Exchange} from './exchange.js';
import type {EffectiveLimits} from './limits.js';
import {createMetrics, type Metrics} from './metrics.js';
import type {ServeOptions} from './options.js';
import {refuse} from './refusal.js';

/** What goes in and out of a server: bounded, counted and written down. */
export interface Traffic {
	readonly limits: EffectiveLimits;
	readonly log: AccessLog | undefined;
	readonly metrics: Metrics | undefined;
	/** Requests that carry content right now. */
	uploads: number;
	/** Set once the server listens. */
	connections(): number;
	isStopping(): boolean;
	/** Called when a request is over. */
	ended(): void;
}

export function createTraffic(
	{accessLog, metrics = false}: ServeOptions,
	limits: EffectiveLimits,
	server: Pick<Traffic, 'connections' | 'isStopping' | 'ended'>,
): Traffic {
	return {
		...server,
		limits,
		log: accessLog === undefined ? undefined : createAccessLog(accessLog),
		metrics: metrics ? createMetrics() : undefined,
		uploads: 0,
	};
}

/** Notes a request when it is over, however it ends. */
export function watchExchange(exchange: Exchange): void {
	const {parts, request, response, startedAt} = exchange;
	const {log, metrics, ended} = parts.traffic;
	const time = Date.now();
	// Known only while the connection is open.
	const client = request.socket.remoteAddress ?? '';
	const note = (): void => {
		const record = {
			time,
			client,
			user: exchange.user,
			method: exchange.method,
			path: exchange.path,
			route: exchange.route?.kind,
			repository: exchange.repository,
			status: response.statusCode,
			complete: response.writableFinished,
			bytesIn: exchange.receivedBytes,
			bytesOut: exchange.sentBytes,
			durationMs: performance.now() - startedAt,
			userAgent: request.headers['user-agent'],
		};
		log?.write(record);
		metrics?.observe(record);
	};
	response.once('close', () => {
		ended();
		// Who sends the last bytes counts them after this event.
		if (log !== undefined || metrics !== undefined) setImmediate(note);
	});
}

/** Runs what handles a request that carries content while there is room for one more. @throws Refusal TOOMANYREQUESTS */
export async function withinLimits<R>(exchange: Exchange, handle: () => Promise<R>): Promise<R> {
	const {traffic} = exchange.parts;
	const {method} = exchange;
	if (method === 'GET' || method === 'HEAD' || method === 'DELETE' || !hasBody(exchange)) return await handle();
	if (traffic.uploads >= traffic.limits.uploads) {
		throw refuse('TOOMANYREQUESTS', 'Too many uploads at once', {headers: {'retry-after': '5'}});
	}
	traffic.uploads++;
	try {
		return await handle();
	} finally {
		traffic.uploads--;
	}
}
