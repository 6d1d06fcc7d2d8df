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
}

export function createTraffic(
	{accessLog, metrics = false}: ServeOptions,
	limits: EffectiveLimits,
	server: Pick<Traffic, 'connections' | 'isStopping'>,
): Traffic {
	return {
		...server,
		limits,
		log: accessLog === undefined ? undefined : createAccessLog(accessLog),
		metrics: metrics ? createMetrics() : undefined,
		uploads: 0,
	};
}

/** Notes a request when it is over, however it ends, if anybody wants to know. */
export function watchExchange(exchange: Exchange): void {
	const {parts, request, response, startedAt} = exchange;
	const {log, metrics} = parts.traffic;
	if (log === undefined && metrics === undefined) return;
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
	// Who sends the last bytes counts them after this event.
	response.once('close', () => setImmediate(note));
}

/** Runs what handles a request; one that carries content only while there is room for one more. @throws Refusal TOOMANYREQUESTS */
export function withinLimits<R>(exchange: Exchange, handle: () => Promise<R>): Promise<R> {
	const {method} = exchange;
	const carriesContent = method !== 'GET' && method !== 'HEAD' && method !== 'DELETE' && hasBody(exchange);
	return carriesContent ? counted(exchange.parts.traffic, handle) : handle();
}

async function counted<R>(traffic: Traffic, handle: () => Promise<R>): Promise<R> {
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
