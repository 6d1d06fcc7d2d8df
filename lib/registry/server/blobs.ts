import type {StoredBlob} from '../storage/storage.js';
import type {Answer} from './answer.js';
import {identity, immutable, unchanged} from './conditional.js';
import {readDigest} from './digest-param.js';
import type {Exchange} from './exchange.js';
import {parseRange} from './range.js';
import {refuse} from './refusal.js';
import type {RouteOf} from './route.js';

/** GET and HEAD of a blob: the whole, or one range of it. */
export async function getBlob(exchange: Exchange, route: RouteOf<'blob'>): Promise<Answer> {
	const {parts, repository, signal} = exchange;
	const digest = readDigest(route.digest);
	const blob = await parts.storage.blob(repository, digest, {signal});
	if (blob === undefined) throw unknown(route);
	const headers = {
		...identity(digest),
		'accept-ranges': 'bytes',
		'cache-control': immutable,
		'content-type': 'application/octet-stream',
	};
	return unchanged(exchange, digest, headers) ?? part(exchange, blob, headers);
}

function part(exchange: Exchange, blob: StoredBlob, headers: Record<string, string>): Answer {
	const {sizeBytes, digest} = blob;
	const whole = {status: 200, headers, body: {blob, start: 0, end: sizeBytes}};
	const {range, 'if-range': ifRange} = exchange.request.headers;
	// RFC 9110, 14.2: ranges are for GET alone; 13.1.5: one of another version is none.
	if (exchange.method !== 'GET' || (ifRange !== undefined && ifRange !== `"${digest}"`)) return whole;
	const wanted = parseRange(range, sizeBytes);
	if (wanted === 'all') return whole;
	if (wanted === 'none') {
		throw refuse('RANGE_INVALID', `The range lies outside the ${sizeBytes} bytes of the blob`, {
			headers: {'content-range': `bytes */${sizeBytes}`},
		});
	}
	const {start, end} = wanted;
	return {
		status: 206,
		headers: {...headers, 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}`},
		body: {blob, start, end},
	};
}

/** Makes a blob unknown to the repository. */
export async function deleteBlob({parts, repository}: Exchange, route: RouteOf<'blob'>): Promise<Answer> {
	const digest = readDigest(route.digest);
	if (!(await parts.storage.deleteBlob(repository, digest))) throw unknown(route);
	return {status: 202, headers: {'docker-content-digest': digest}};
}

function unknown({digest}: RouteOf<'blob'>): Error {
	return refuse('BLOB_UNKNOWN', undefined, {detail: {digest}});
}
