import type {RegistryStorage} from '../storage/storage.js';
import type {RequestRecord} from './access-log.js';
import {isPullThrough} from './upstream/pull-through.js';

/** Counts what a server does. */
export interface Metrics {
	observe(record: RequestRecord): void;
	/** In the text format of Prometheus. */
	text(now: MetricsNow): string;
}

/** What is measured when somebody asks. */
export interface MetricsNow {
	readonly storage: RegistryStorage;
	readonly uploads: number;
	readonly connections: number;
	readonly droppedLogLines: number;
}

const boundsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Labels come from this list: a client must not make up series. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

interface Histogram {
	readonly buckets: number[];
	sum: number;
	count: number;
}

export function createMetrics(): Metrics {
	const requests = new Map<string, number>();
	const durations = new Map<string, Histogram>();
	let bytesIn = 0;
	let bytesOut = 0;
	return {
		observe({method, route = 'other', status, durationMs, ...record}) {
			const labels = `method="${methods.has(method) ? method : 'other'}",route="${route}",status="${status}"`;
			requests.set(labels, (requests.get(labels) ?? 0) + 1);
			bytesIn += record.bytesIn;
			bytesOut += record.bytesOut;
			const histogram = durations.get(route) ?? {buckets: boundsSeconds.map(() => 0), sum: 0, count: 0};
			durations.set(route, histogram);
			const bucket = boundsSeconds.findIndex(bound => durationMs / 1000 <= bound);
			if (bucket !== -1) histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1;
			histogram.sum += durationMs / 1000;
			histogram.count++;
		},
		text(now) {
			const lines: string[] = [];
			const family = (name: string, type: string, help: string, samples: Iterable<readonly [string, number]>): void => {
				lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
				for (const [labels, value] of samples) lines.push(`${name}${labels === '' ? '' : `{${labels}}`} ${value}`);
			};
			const single = (name: string, type: 'counter' | 'gauge', help: string, value: number): void =>
				family(`sealimage_registry_${name}`, type, help, [['', value]]);
			family('sealimage_registry_requests_total', 'counter', 'Requests that are over.', requests);
			single('received_bytes_total', 'counter', 'Bytes of request bodies.', bytesIn);
			single('sent_bytes_total', 'counter', 'Bytes of answer bodies.', bytesOut);
			histogramLines(durations, lines);
			single('uploads_in_flight', 'gauge', 'Requests that carry content right now.', now.uploads);
			single('connections', 'gauge', 'Open connections.', now.connections);
			single('access_log_dropped_total', 'counter', 'Log lines that nobody took.', now.droppedLogLines);
			if (isPullThrough(now.storage)) {
				const {counts} = now.storage;
				single('cache_hits_total', 'counter', 'Manifests and blobs that needed no upstream.', counts.hits);
				single('cache_misses_total', 'counter', 'Manifests and blobs that an upstream was asked for.', counts.misses);
				single('cache_stale_total', 'counter', 'Tags served while their upstream was down.', counts.stale);
				single('upstream_failures_total', 'counter', 'Requests that an upstream failed.', counts.failures);
				single('upstream_received_bytes_total', 'counter', 'Bytes of blobs from upstreams.', counts.fetchedBytes);
			}
			processLines(family);
			return `${lines.join('\n')}\n`;
		},
	};
}

function histogramLines(durations: ReadonlyMap<string, Histogram>, lines: string[]): void {
	const name = 'sealimage_registry_request_duration_seconds';
	lines.push(`# HELP ${name} Time from the head of a request to the end of its answer.`, `# TYPE ${name} histogram`);
	for (const [route, {buckets, sum, count}] of durations) {
		let below = 0;
		for (const [index, bound] of boundsSeconds.entries()) {
			below += buckets[index] ?? 0;
			lines.push(`${name}_bucket{route="${route}",le="${bound}"} ${below}`);
		}
		lines.push(`${name}_bucket{route="${route}",le="+Inf"} ${count}`);
		lines.push(`${name}_sum{route="${route}"} ${sum}`, `${name}_count{route="${route}"} ${count}`);
	}
}

/** The names that Prometheus' own clients use. */
function processLines(
	family: (name: string, type: string, help: string, samples: Iterable<readonly [string, number]>) => void,
): void {
	const {user, system} = process.cpuUsage();
	const {rss} = process.memoryUsage();
	family('process_cpu_seconds_total', 'counter', 'CPU time.', [['', (user + system) / 1e6]]);
	family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', rss]]);
	family('process_start_time_seconds', 'gauge', 'When the process started.', [
		['', Date.now() / 1000 - process.uptime()],
	]);
}
