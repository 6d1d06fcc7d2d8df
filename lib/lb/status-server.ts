import {createServer} from 'node:http';
import {emit, type OperationOptions} from '../core/events.js';
import {type BalancerReport, formatMetrics, isBalancerReport} from './report.js';

/** What is longer is no report. */
const reportLimitBytes = 4 * 1024 * 1024;

/**
 * `/metrics` for Prometheus and `/status` for `lb status`, on loopback only, until the returned function is called. A port that is taken is no reason
 * not to balance: it is told as a warning.
 * @param port 0 for none
 */
export async function serveStatus(
	port: number,
	report: () => BalancerReport,
	options: OperationOptions,
): Promise<() => Promise<void>> {
	if (port === 0) return async () => {};
	const server = createServer((request, response) => {
		const document = request.method === 'GET' ? documents.get(request.url ?? '') : undefined;
		if (document === undefined) {
			response.writeHead(404).end();
			return;
		}
		try {
			const text = document.write(report());
			response.writeHead(200, {'content-type': document.type}).end(text);
		} catch (error) {
			response.writeHead(500).end((error as Error).message);
		}
	});
	server.requestTimeout = 5000;
	try {
		await new Promise<void>((resolve, reject) => {
			server.once('error', reject).listen(port, '127.0.0.1', resolve);
		});
	} catch (error) {
		const message = `Metrics cannot be shown on 127.0.0.1:${port}: ${(error as Error).message}`;
		emit(options, {type: 'warning', code: 'BalancerStatus', message, hint: 'Choose another statusPort.'});
	}
	return async () => {
		server.closeAllConnections();
		await new Promise(resolve => server.close(resolve));
	};
}

interface StatusDocument {
	readonly type: string;
	readonly write: (report: BalancerReport) => string;
}

const documents: ReadonlyMap<string, StatusDocument> = new Map([
	['/metrics', {type: 'text/plain; version=0.0.4', write: formatMetrics}],
	['/status', {type: 'application/json', write: report => JSON.stringify(report)}],
]);

/** Asks the balancer that runs on this machine; undefined when none answers. */
export async function askStatus(port: number): Promise<BalancerReport | undefined> {
	try {
		const response = await fetch(`http://127.0.0.1:${port}/status`, {signal: AbortSignal.timeout(2000)});
		if (!response.ok) return undefined;
		const report: unknown = JSON.parse(await readLimited(response));
		return isBalancerReport(report) ? report : undefined;
	} catch {
		return undefined;
	}
}

async function readLimited({body}: Response): Promise<string> {
	const chunks: Uint8Array[] = [];
	let left = reportLimitBytes;
	for await (const chunk of body ?? []) {
		left -= chunk.length;
		if (left < 0) throw new RangeError('It is no report');
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString();
}
