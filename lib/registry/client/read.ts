import {type Bytes, oneChunk} from '../../core/bytes.js';
import {hasCode, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {FetchOptions} from '../../oci/content.js';
import {type Descriptor, describe} from '../../oci/descriptor.js';
import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {isIndexType, isManifestType, mediaTypes} from '../../oci/media-types.js';
import {checkDigest, missingContent, verified, wrongSize} from '../../oci/verify.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import type {RegistryRequest} from '../exchange/transport.js';
import {openBlob} from './download.js';
import {isWebPage, type Place, type Wire, webPage} from './wire.js';

/** `host/repository`: how a place is shown, and named to a mount. */
export function placeName({host, repository}: Place): string {
	return `${host}/${repository}`;
}

/**
 * What a tag or digest of a repository points at.
 * @throws SealError ERR_IMAGE_UNKNOWN; RegistryError
 */
export async function resolveAt(
	wire: Wire,
	place: Place,
	wanted: string,
	options: OperationOptions,
): Promise<Descriptor> {
	const path = `/v2/${place.repository}/manifests/${wanted}`;
	const head = await send(wire, {...place, method: 'HEAD', path, headers: {accept: accepted}}, path, options);
	await head.discard();
	if (head.status === 404) throw unknownImage(place, wanted);
	const digest = isDigest(wanted) ? wanted : undefined;
	return describeHead(head, digest) ?? (await describeBody(wire, place, path, wanted, options));
}

/** Whether a repository has the content. @throws RegistryError */
export async function existsAt(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<boolean> {
	const response = await send(wire, requestOf(place, descriptor, 'HEAD'), descriptor.digest, options);
	await response.discard();
	return response.status === 200;
}

/**
 * The same for content that is about to be written: one token does for this and for the writing. Who may only read is
 * answered all the same.
 */
export async function existsToWrite(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<boolean> {
	try {
		const request = {...requestOf(place, descriptor, 'HEAD'), actions: toWrite};
		const response = await send(wire, request, descriptor.digest, options);
		await response.discard();
		return response.status === 200;
	} catch (error) {
		if (!hasCode(error, 'ERR_REGISTRY_UNAUTHORIZED')) throw error;
		return await existsAt(wire, place, descriptor, options);
	}
}

/** The digest that a tag points at in the registry itself, as far as it tells. @throws RegistryError */
export async function digestOfTag(
	wire: Wire,
	place: Place,
	tag: string,
	options: OperationOptions,
): Promise<string | undefined> {
	const path = `/v2/${place.repository}/manifests/${tag}`;
	const request = {...place, method: 'HEAD' as const, path, headers: {accept: accepted}, actions: toWrite};
	const response = await send(wire, request, path, options);
	await response.discard();
	return response.status === 200 ? response.header('docker-content-digest') : undefined;
}

/**
 * Content of a repository, verified when read from its start.
 * @throws SealError ERR_CONTENT_MISSING, ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST; RegistryError
 */
export async function fetchAt(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	{offset = 0, verify = true, reuse = false, ...options}: FetchOptions & OperationOptions,
): Promise<Bytes> {
	if (isDocument(descriptor)) {
		return oneChunk((await getDocument(wire, place, descriptor, options)).subarray(offset));
	}
	const request = {...requestOf(place, descriptor, 'GET'), bulk: reuse && descriptor.size - offset >= bulkBytes};
	const bytes = await openBlob({wire, request, descriptor, options}, offset);
	return offset === 0 && verify ? verified(bytes, descriptor, placeName(place), options) : bytes;
}

/** Below this a connection of its own costs more than it saves. */
const bulkBytes = 1024 * 1024;

/** A manifest or index, verified. @throws SealError ERR_CONTENT_MISSING, ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST; RegistryError */
export async function getDocument(
	{transport, retry = {}}: Wire,
	place: Place,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<Buffer> {
	const {size, digest} = descriptor;
	const where = placeName(place);
	if (size > maxManifestBytes) {
		throw new SealError(
			'ERR_CONTENT_SIZE',
			`${digest} in ${where} has ${size} bytes, at most ${maxManifestBytes} are read`,
		);
	}
	const bytes = await withRetry(digest, retry, options, async () => {
		const response = await transport.send(requestOf(place, descriptor, 'GET'), options);
		if (response.status === 404) {
			await response.discard();
			throw missingContent(descriptor, where);
		}
		return await readDocument(response, place);
	});
	if (bytes.length !== size)
		throw wrongSize(descriptor, where, bytes.length > size ? 'longer' : 'shorter', bytes.length);
	checkDigest(descriptor, digestOf(bytes, algorithmOf(digest)), where);
	return bytes;
}

/** Manifests and indexes have addresses of their own; everything else is a blob. */
export function isDocument({mediaType}: Descriptor): boolean {
	return isIndexType(mediaType) || isManifestType(mediaType);
}

const toWrite = ['pull', 'push'] as const;
const accepted = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');

/** Most registries say all there is to know in the headers; what they say is verified when the content is fetched. */
function describeHead(response: HttpResponse, expected: Digest | undefined): Descriptor | undefined {
	const mediaType = mediaTypeOf(response);
	const digest = response.header('docker-content-digest') ?? expected;
	const length = response.header('content-length') ?? '';
	if (!isDigest(digest) || (expected !== undefined && digest !== expected) || !/^\d{1,10}$/.test(length))
		return undefined;
	if (length === '0' || !(isIndexType(mediaType) || isManifestType(mediaType))) return undefined;
	return {mediaType, digest, size: Number(length)};
}

async function describeBody(
	wire: Wire,
	place: Place,
	path: string,
	wanted: string,
	options: OperationOptions,
): Promise<Descriptor> {
	const {transport, retry = {}} = wire;
	const found = await withRetry(path, retry, options, async () => {
		const request: RegistryRequest = {...place, method: 'GET', path, headers: {accept: accepted}};
		const response = await transport.send(request, options);
		if (response.status === 404) {
			await response.discard();
			return undefined;
		}
		if (isWebPage(response)) {
			await response.discard();
			throw webPage(place.host, response.url);
		}
		const said = response.header('docker-content-digest');
		return {bytes: await readDocument(response, place), mediaType: mediaTypeOf(response), said};
	});
	if (found === undefined) throw unknownImage(place, wanted);
	const {bytes, mediaType, said} = found;
	const type = documentType(bytes, mediaType);
	if (type === undefined) {
		throw new RegistryError(
			'ERR_REGISTRY_RESPONSE',
			`${place.host}/${place.repository} is of the unknown type ${mediaType}`,
			{
				hint: /v1\+/.test(mediaType)
					? 'Push the image again with a program of this decade: its format was given up.'
					: undefined,
			},
		);
	}
	const expected = isDigest(wanted) ? wanted : isDigest(said) ? said : undefined;
	if (expected === undefined) return describe(type, bytes);
	const descriptor = {mediaType: type, digest: expected, size: bytes.length};
	checkDigest(descriptor, digestOf(bytes, algorithmOf(expected)), placeName(place));
	return descriptor;
}

function mediaTypeOf(response: HttpResponse): string {
	return (response.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Some servers call everything JSON: then the document itself says what it is. */
function documentType(bytes: Buffer, header: string): string | undefined {
	if (isIndexType(header) || isManifestType(header)) return header;
	try {
		const {mediaType} = JSON.parse(bytes.toString('utf8')) as {mediaType?: unknown};
		const known = typeof mediaType === 'string' && (isIndexType(mediaType) || isManifestType(mediaType));
		return known ? mediaType : undefined;
	} catch {
		return undefined;
	}
}

async function readDocument(response: HttpResponse, place: Place): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const chunk of response.body) {
		sizeBytes += chunk.length;
		if (sizeBytes > maxManifestBytes) {
			throw new SealError(
				'ERR_CONTENT_SIZE',
				`A manifest of ${place.host}/${place.repository} is longer than the ${maxManifestBytes} bytes that are read`,
			);
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks, sizeBytes);
}

async function send(
	{transport, retry = {}}: Wire,
	request: RegistryRequest,
	id: string,
	options: OperationOptions,
): Promise<HttpResponse> {
	return await withRetry(id, retry, options, () => transport.send(request, options));
}

function requestOf(place: Place, descriptor: Descriptor, method: 'GET' | 'HEAD'): RegistryRequest {
	const kind = isDocument(descriptor) ? 'manifests' : 'blobs';
	const path = `/v2/${place.repository}/${kind}/${descriptor.digest}`;
	return {...place, method, path, headers: isDocument(descriptor) ? {accept: descriptor.mediaType} : {}};
}

function unknownImage(place: Place, wanted: string): SealError {
	const name = `${placeName(place)}${isDigest(wanted) ? '@' : ':'}${wanted}`;
	return new SealError('ERR_IMAGE_UNKNOWN', `${place.host} has no image ${name}`, {
		hint: 'Check the name and the tag.',
		details: {reference: name},
	});
}
