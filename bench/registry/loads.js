import {createHash, randomBytes} from 'node:crypto';
import {Agent, request} from 'node:http';
import {median, runQuietly} from '../measure.js';
import {noise} from './image.js';

/**
 * What is asked of a server. Each load resolves with {bytes, seconds, latencies (seconds)} or, for manifests, {perSecond, p50, p99}.
 */
export function loadsFor({big, blobs, manifest, scale}) {
	const many = Math.max(8, Math.round(200 * scale));
	return {
		'one stream of 1 GB': server => streams([[`http://${server.host}/v2/bench/big/blobs/${big}`]]),
		'8 streams of 8 x 128 MB': server => {
			const urls = blobs.map(digest => `http://${server.host}/v2/bench/streams/blobs/${digest}`);
			return streams(urls.map((_, first) => [...urls.slice(first), ...urls.slice(0, first)]));
		},
		'manifest GET': server => wrk(server, manifest),
		'manifest HEAD': server => ab(server, manifest),
		'uploads of 1 MB, 2 at once': server => uploads(server, 1e6, many, 2),
		'uploads of 1 MB, 8 at once': server => uploads(server, 1e6, many, 8),
		'uploads of 100 MB, 2 at once': server => uploads(server, Math.round(100e6 * scale), 8, 2),
		'uploads of 100 MB, 8 at once': server => uploads(server, Math.round(100e6 * scale), 16, 8),
	};
}

/** Each stream asks for its blobs one after the other. curl costs little itself, so that the server gets most of the machine. */
async function streams(lists) {
	const started = performance.now();
	const answers = await Promise.all(
		lists.map(urls =>
			runQuietly([
				...['curl', '--silent', '--fail', '--write-out', '%{size_download} %{time_total}\n'],
				...urls.flatMap(url => ['--output', '/dev/null', url]),
			]),
		),
	);
	const seconds = (performance.now() - started) / 1000;
	const rows = answers.flatMap(text =>
		text
			.trim()
			.split('\n')
			.map(line => line.split(' ').map(Number)),
	);
	return {bytes: rows.reduce((sum, [bytes]) => sum + bytes, 0), seconds, latencies: rows.map(([, time]) => time)};
}

/** Five seconds of requests over 16 connections that stay open. */
async function wrk(server, manifest) {
	const flags = ['-t', '1', '-c', '16', '-d', '5s', '--latency', '-H', `Accept: ${manifestType}`];
	const text = await runQuietly(['wrk', ...flags, urlOf(server, manifest)]);
	const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1];
	if (refused !== undefined) throw new Error(`${server.name} refused ${refused} requests of wrk`);
	return {perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), p50: latency(text, 50), p99: latency(text, 99)};
}

function latency(text, percent) {
	const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(text);
	return Number(value) * {us: 1e-6, ms: 1e-3, s: 1}[unit];
}

/** The same with ab: wrk waits for the body that an answer to HEAD announces and never has. */
async function ab(server, manifest) {
	const flags = ['-q', '-k', '-i', '-c', '16', '-t', '5', '-n', '1000000', '-H', `Accept: ${manifestType}`];
	const text = await runQuietly(['ab', ...flags, urlOf(server, manifest)]);
	if (/Non-2xx responses/.test(text)) throw new Error(`${server.name} refused requests of ab`);
	const percentile = percent => Number(new RegExp(`^\\s+${percent}%\\s+(\\d+)`, 'm').exec(text)[1]) / 1000;
	return {
		perSecond: Number(/Requests per second:\s+([\d.]+)/.exec(text)[1]),
		p50: percentile(50),
		p99: percentile(99),
	};
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function urlOf(server, manifest) {
	return `http://${server.host}/v2/bench/streams/manifests/${manifest}`;
}

/** POST and one PUT with the whole blob: what zb and small clients do. The digests are known before the clock starts. */
async function uploads(server, size, count, atOnce) {
	const base = noise(7, size);
	const agent = new Agent({keepAlive: true, maxSockets: atOnce});
	const prefixes = Array.from({length: count}, () => randomBytes(16));
	const digests = prefixes.map(prefix => createHash('sha256').update(prefix).update(base.subarray(16)).digest('hex'));
	const latencies = [];
	let next = 0;
	const work = async () => {
		while (next < count) {
			const index = next++;
			const started = performance.now();
			await upload(agent, server.host, [prefixes[index], base.subarray(16)], digests[index], size);
			latencies.push((performance.now() - started) / 1000);
		}
	};
	const started = performance.now();
	await Promise.all(Array.from({length: atOnce}, work));
	const seconds = (performance.now() - started) / 1000;
	agent.destroy();
	return {bytes: size * count, seconds, latencies};
}

async function upload(agent, host, parts, hex, size) {
	const [hostname, port] = host.split(':');
	const begun = await send(agent, {hostname, port, method: 'POST', path: '/v2/bench/uploads/blobs/uploads/'}, []);
	const url = new URL(begun.headers.location, `http://${host}`);
	url.searchParams.set('digest', `sha256:${hex}`);
	const path = url.pathname + url.search;
	const headers = {'content-length': size, 'content-type': 'application/octet-stream'};
	await send(agent, {hostname, port, method: 'PUT', path, headers}, parts);
}

function send(agent, options, parts) {
	return new Promise((resolve, reject) => {
		const message = request({...options, agent}, answer => {
			answer.resume();
			answer.once('end', () =>
				answer.statusCode < 300
					? resolve(answer)
					: reject(new Error(`${options.method} ${options.path}: ${answer.statusCode}`)),
			);
		});
		message.once('error', reject);
		for (const part of parts) message.write(part);
		message.end();
	});
}

/** The value below which `share` of the samples lie. */
export function quantile(samples, share) {
	if (share === 0.5) return median(samples);
	const sorted = samples.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
