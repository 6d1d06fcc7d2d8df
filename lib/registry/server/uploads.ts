import {hasCode} from '../../core/errors.js';
import {algorithmOf, type Digest, type DigestAlgorithm, digestOf} from '../../oci/digest.js';
import type {Upload} from '../storage/storage.js';
import {mayAlso} from './admit.js';
import type {Answer} from './answer.js';
import {bodyLength, bodyOf, hasBody} from './body.js';
import {readDigest} from './digest-param.js';
import type {Exchange} from './exchange.js';
import {isRepositoryName} from './names.js';
import {parseContentRange, uploadRange} from './range.js';
import {refuse} from './refusal.js';
import type {RouteOf} from './route.js';

/** Begins an upload, or makes it needless: by a mount, or with the whole blob in this request. */
export async function startUpload(exchange: Exchange): Promise<Answer> {
	const {parts, query, repository} = exchange;
	const {uploads} = parts.storage;
	if (query.has('mount')) {
		const digest = readDigest(query.get('mount'));
		if (await mount(exchange, digest)) return created(exchange, digest);
	} else if (query.has('digest')) {
		const digest = readDigest(query.get('digest'));
		if (hasBody(exchange) || digest === digestOf('', algorithmOf(digest))) return await pushWhole(exchange, digest);
	}
	return accepted(202, exchange, await uploads.start(repository, {algorithm: wantedAlgorithm(query)}));
}

/** Appends a chunk. */
export async function appendChunk(exchange: Exchange, route: RouteOf<'upload'>): Promise<Answer> {
	return accepted(202, exchange, await append(exchange, route.id));
}

/** Appends the last chunk when there is one, and makes a blob of it all. */
export async function finishUpload(exchange: Exchange, route: RouteOf<'upload'>): Promise<Answer> {
	const {parts, query, repository} = exchange;
	const digest = readDigest(query.get('digest'));
	try {
		if (hasBody(exchange) || exchange.request.headers['content-range'] !== undefined) await append(exchange, route.id);
		await parts.storage.uploads.finish(repository, route.id, digest);
	} catch (error) {
		// A client that never saw the answer to this request sends it again: the upload is over, and the blob is there.
		const isOver = hasCode(error, 'ERR_UPLOAD_UNKNOWN') && (await parts.storage.blob(repository, digest)) !== undefined;
		if (!isOver) throw error;
	}
	return created(exchange, digest);
}

/** How far an upload is. */
export async function uploadStatus(exchange: Exchange, route: RouteOf<'upload'>): Promise<Answer> {
	const {parts, repository} = exchange;
	const upload = await parts.storage.uploads.status(repository, route.id);
	if (upload === undefined) throw unknown(route);
	return accepted(204, exchange, upload);
}

/** Drops an upload and what it has. */
export async function cancelUpload({parts, repository}: Exchange, route: RouteOf<'upload'>): Promise<Answer> {
	if (!(await parts.storage.uploads.cancel(repository, route.id))) throw unknown(route);
	return {status: 204};
}

/** A repository that the client may not read lends nothing, and which one has it is not told. */
async function mount(exchange: Exchange, digest: Digest): Promise<boolean> {
	const {parts, query, repository} = exchange;
	if ((await parts.storage.blob(repository, digest)) !== undefined) return true;
	const from = query.get('from') ?? undefined;
	if (from === undefined) {
		return (
			(await mayAlso(exchange, ['catalog'], undefined)) && (await parts.storage.mount(repository, digest, undefined))
		);
	}
	return (
		isRepositoryName(from) &&
		(await mayAlso(exchange, ['pull'], from)) &&
		(await parts.storage.mount(repository, digest, from))
	);
}

async function pushWhole(exchange: Exchange, digest: Digest): Promise<Answer> {
	const {parts, repository} = exchange;
	const {uploads} = parts.storage;
	const {id} = await uploads.start(repository, {algorithm: algorithmOf(digest)});
	try {
		await append(exchange, id);
		await uploads.finish(repository, id, digest);
	} catch (error) {
		// The client never learnt the name of this upload: nobody could go on with it.
		await uploads.cancel(repository, id).catch(() => false);
		throw error;
	}
	return created(exchange, digest);
}

/**
 * Appends the body at its Content-Range, or without one at the end. No signal: a client that goes away ends its body, and what
 * came of it is kept.
 */
async function append(exchange: Exchange, id: string): Promise<Upload> {
	const {parts, request, repository} = exchange;
	const {uploads} = parts.storage;
	const {blobBytes = Number.POSITIVE_INFINITY} = parts.traffic.limits;
	const announced = bodyLength(exchange);
	if ((announced ?? 0) > blobBytes) throw tooLarge(blobBytes);
	const header = request.headers['content-range'];
	const range = header === undefined ? undefined : parseContentRange(header);
	if (header !== undefined && range === undefined) {
		throw refuse('BLOB_UPLOAD_INVALID', 'The Content-Range is not of the form 0-99');
	}
	if (range !== undefined && announced !== undefined && announced !== range.end - range.start) {
		throw refuse('SIZE_INVALID', `The body has ${announced} bytes, the Content-Range ${range.end - range.start}`);
	}
	if (range !== undefined && range.end > blobBytes) throw tooLarge(blobBytes);
	const limitBytes = range?.end ?? blobBytes;
	try {
		return await uploads.append(repository, id, bodyOf(exchange), {
			...(range === undefined ? {} : {offset: range.start}),
			...(limitBytes === Number.POSITIVE_INFINITY ? {} : {limitBytes}),
		});
	} catch (error) {
		throw range === undefined && hasCode(error, 'ERR_CONTENT_SIZE') ? tooLarge(blobBytes) : error;
	}
}

function tooLarge(blobBytes: number): Error {
	return refuse('SIZE_INVALID', `Blobs have at most ${blobBytes} bytes here`, {status: 413});
}

function wantedAlgorithm(query: URLSearchParams): DigestAlgorithm {
	const named = query.get('digest-algorithm') ?? query.get('digest')?.split(':', 1)[0] ?? 'sha256';
	if (named === 'sha256' || named === 'sha512') return named;
	throw refuse('DIGEST_INVALID', 'Blobs have sha256 or sha512 digests here', {detail: {algorithm: named.slice(0, 40)}});
}

/** Places are named as in the storage: what a client does there needs no `ns` any more. */
function accepted(status: 202 | 204, {repository}: Exchange, {id, sizeBytes}: Upload): Answer {
	const headers = {
		location: `/v2/${repository}/blobs/uploads/${id}`,
		range: uploadRange(sizeBytes),
		'docker-upload-uuid': id,
	};
	return {status, headers};
}

function created({repository}: Exchange, digest: Digest): Answer {
	return {status: 201, headers: {location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest}};
}

function unknown({id}: RouteOf<'upload'>): Error {
	return refuse('BLOB_UPLOAD_UNKNOWN', undefined, {detail: {id: id.slice(0, 200)}});
}
