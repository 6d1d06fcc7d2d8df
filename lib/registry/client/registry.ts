import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {ImageSource} from '../../oci/content.js';
import {type Descriptor, describe} from '../../oci/descriptor.js';
import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js';
import {childrenOf, maxManifestBytes, parseManifest} from '../../oci/manifest.js';
import {isIndexType, isManifestType, mediaTypes} from '../../oci/media-types.js';
import {type ImageReference, parseReference} from '../../oci/reference.js';
import {checkDigest, missingContent, verified, wrongSize} from '../../oci/verify.js';
import {RegistryError} from '../exchange/error.js';
import {type RetryPolicy, withRetry} from '../exchange/retry.js';
import {createTransport, type RegistryRequest, type Transport, type TransportOptions} from '../exchange/transport.js';
import {openBlob} from './download.js';

export interface RegistryOptions extends TransportOptions, OperationOptions {
	readonly retry?: RetryPolicy | undefined;
}

/** All registries as one source of images. Content is found once a reference that reaches it was resolved. */
export interface Registry extends ImageSource {
	/** Closes the connections. */
	close(): Promise<void>;
}

/**
 * Images in registries, by full reference (`host/name:tag@digest`; with both, the digest counts). Docker Hub is
 * `docker.io`. Every byte is verified; temporary failures are repeated, broken downloads taken up where they broke.
 */
export function openRegistry(options: RegistryOptions = {}): Registry {
	const transport = createTransport(options);
	const places = new Map<Digest, Place>();
	const work: Work = {transport, options, places};
	return {
		close: transport.close,
		resolve: (reference, given = {}) => resolve(work, parseReference(reference), given),
		async exists(descriptor, {signal} = {}) {
			const place = places.get(descriptor.digest);
			if (place === undefined) return false;
			const request = requestOf(place, descriptor, 'HEAD');
			const response = await send(work, request, descriptor.digest, {signal});
			await response.discard();
			return response.status === 200;
		},
		async fetch(descriptor, {offset = 0, verify = true, signal} = {}) {
			const place = places.get(descriptor.digest);
			if (place === undefined) throw missingContent(descriptor, 'any repository that was asked so far');
			const operation = {signal, onEvent: options.onEvent};
			if (isDocument(descriptor))
				return oneChunk((await getDocument(work, place, descriptor, operation)).subarray(offset));
			const request = requestOf(place, descriptor, 'GET');
			const bytes = await openBlob(transport, request, descriptor, offset, options.retry ?? {}, operation);
			return offset === 0 && verify
				? verified(bytes, descriptor, `${place.host}/${place.repository}`, {signal})
				: bytes;
		},
	};
}

/** Where content was seen. */
interface Place {
	readonly host: string;
	readonly repository: string;
}

interface Work {
	readonly transport: Transport;
	readonly options: RegistryOptions;
	readonly places: Map<Digest, Place>;
}

const accepted = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');

async function resolve(work: Work, reference: ImageReference, {signal}: Abortable): Promise<Descriptor> {
	const place = {host: reference.domain, repository: reference.path};
	const wanted = reference.digest ?? reference.tag ?? 'latest';
	const path = `/v2/${place.repository}/manifests/${wanted}`;
	const head = await send(work, {...place, method: 'HEAD', path, headers: {accept: accepted}}, path, {signal});
	await head.discard();
	if (head.status === 404) throw unknownImage(place, wanted);
	const descriptor = describeHead(head, reference.digest) ?? (await describeBody(work, place, path, reference, signal));
	work.places.set(descriptor.digest, place);
	return descriptor;
}

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
	work: Work,
	place: Place,
	path: string,
	reference: ImageReference,
	signal: AbortSignal | undefined,
): Promise<Descriptor> {
	const {bytes, mediaType} = await withRetry(path, work.options.retry ?? {}, {...work.options, signal}, async () => {
		const request: RegistryRequest = {...place, method: 'GET', path, headers: {accept: accepted}};
		const response = await work.transport.send(request, {signal});
		if (response.status === 404) {
			await response.discard();
			throw unknownImage(place, reference.digest ?? reference.tag ?? 'latest');
		}
		return {bytes: await readDocument(response, place), mediaType: mediaTypeOf(response)};
	});
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
	const {digest} = reference;
	if (digest === undefined) return describe(type, bytes);
	const descriptor = {mediaType: type, digest, size: bytes.length};
	checkDigest(descriptor, digestOf(bytes, algorithmOf(digest)), `${place.host}/${place.repository}`);
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

/** A manifest or index, verified. What it names is in the same repository. */
async function getDocument(
	work: Work,
	place: Place,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<Buffer> {
	const {size, digest, mediaType} = descriptor;
	const where = `${place.host}/${place.repository}`;
	if (size > maxManifestBytes) {
		throw new SealError(
			'ERR_CONTENT_SIZE',
			`${digest} in ${where} has ${size} bytes, at most ${maxManifestBytes} are read`,
		);
	}
	const bytes = await withRetry(digest, work.options.retry ?? {}, options, async () => {
		const response = await work.transport.send(requestOf(place, descriptor, 'GET'), options);
		if (response.status === 404) {
			await response.discard();
			throw missingContent(descriptor, where);
		}
		return await readDocument(response, place);
	});
	if (bytes.length !== size)
		throw wrongSize(descriptor, where, bytes.length > size ? 'longer' : 'shorter', bytes.length);
	checkDigest(descriptor, digestOf(bytes, algorithmOf(digest)), where);
	for (const child of childrenOf(parseManifest(bytes, mediaType, digest))) work.places.set(child.digest, place);
	return bytes;
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

async function send(work: Work, request: RegistryRequest, id: string, {signal}: Abortable): Promise<HttpResponse> {
	const {retry, onEvent} = work.options;
	return await withRetry(id, retry ?? {}, {signal, onEvent}, () => work.transport.send(request, {signal}));
}

function requestOf(place: Place, descriptor: Descriptor, method: 'GET' | 'HEAD'): RegistryRequest {
	const kind = isDocument(descriptor) ? 'manifests' : 'blobs';
	const path = `/v2/${place.repository}/${kind}/${descriptor.digest}`;
	return {...place, method, path, headers: isDocument(descriptor) ? {accept: descriptor.mediaType} : {}};
}

function isDocument({mediaType}: Descriptor): boolean {
	return isIndexType(mediaType) || isManifestType(mediaType);
}

function unknownImage(place: Place, wanted: string): SealError {
	const name = `${place.host}/${place.repository}${isDigest(wanted) ? '@' : ':'}${wanted}`;
	return new SealError('ERR_IMAGE_UNKNOWN', `${place.host} has no image ${name}`, {
		hint: 'Check the name and the tag.',
		details: {reference: name},
	});
}
