import {type Bytes, closable} from '../../../core/bytes.js';
import {hasCode} from '../../../core/errors.js';
import type {OperationOptions} from '../../../core/events.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {missingContent} from '../../../oci/verify.js';
import {openSpan, readSpan, type Span} from '../../client/range.js';
import {existsAt, getDocument, resolveAt} from '../../client/read.js';
import {listReferrers} from '../../client/referrers.js';
import {listTags} from '../../client/tags.js';
import type {Place, Wire} from '../../client/wire.js';
import {RegistryError} from '../../exchange/error.js';
import {withRetry} from '../../exchange/retry.js';
import {createTransport, type Transport, type TransportOptions} from '../../exchange/transport.js';
import {type HostResolver, homeEndpoint} from '../../hosts/endpoint.js';
import {type BackOffOptions, createBackOff} from './back-off.js';
import {type UpstreamPlace, type UpstreamSpec, upstreamPlace} from './spec.js';

/** One registry that content is fetched from. Names are those of its own repositories: `library/redis`. */
export interface Upstream {
	/** Where it is, for messages. */
	readonly host: string;
	readonly namespace: string;
	/** What a tag or digest points at; undefined when there is no such manifest. @throws RegistryError */
	resolve(name: string, wanted: string, options: OperationOptions): Promise<Descriptor | undefined>;
	/** A manifest, verified. @throws RegistryError, SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE */
	manifest(name: string, descriptor: Descriptor, options: OperationOptions): Promise<Buffer>;
	hasBlob(name: string, digest: Digest, options: OperationOptions): Promise<boolean>;
	/** The bytes of a blob with their number, in one request unless the connection breaks; not verified. Undefined when there is none. */
	blob(name: string, digest: Digest, options: OperationOptions): Promise<UpstreamBlob | undefined>;
	/** A part of a blob, for what another server began to give. @throws SealError ERR_CONTENT_MISSING, ERR_CONTENT_SIZE; RegistryError */
	blobFrom(name: string, digest: Digest, span: Span, options: OperationOptions): Promise<Bytes>;
	/** @throws SealError ERR_IMAGE_UNKNOWN */
	tags(name: string, options: OperationOptions): Promise<readonly string[]>;
	referrers(name: string, subject: Digest, options: OperationOptions): Promise<readonly Descriptor[]>;
	/** It did not answer last. Looks in the background whether it is back, unless it is given a rest. */
	isDown(options: OperationOptions): boolean;
	/** Notes that an answer broke off after it had begun. */
	failed(error: unknown, options: OperationOptions): void;
}

export interface UpstreamBlob {
	readonly sizeBytes: number;
	readonly bytes: Bytes;
	/** To be called when the bytes turn out not to be those of the digest: where there are other servers, they are asked first from then on. */
	isWrong?(): void;
}

export interface UpstreamTimes {
	/** How long it may take to say what a tag points at. */
	readonly answerMs: number;
	/** For how long it is left alone when it does not answer. */
	readonly rests?: BackOffOptions | undefined;
	/** How often a request is tried. Default 3: a client of ours waits. */
	readonly attempts?: number | undefined;
}

/** The connections to one upstream, which may stand for any number of registries. */
export interface UpstreamServer {
	/** @param ns the registry whose content a `*` upstream is asked for; undefined for an upstream of one registry */
	of(ns: string | undefined): Upstream;
	close(): Promise<void>;
}

/** Many registries over one upstream cost nothing but their names, which may come from clients. */
export function openUpstream(spec: UpstreamSpec, options: TransportOptions, times: UpstreamTimes): UpstreamServer {
	const place = upstreamPlace(spec);
	const {host, prefix} = place;
	const transport = createTransport({...options, hosts: upstreamHosts(place, options.hosts)});
	const {answerMs, attempts = 3, rests} = times;
	const backOff = createBackOff(rests);
	const retry = {attempts, firstDelayMs: 200, longestDelayMs: 2000};
	const placeOf = (name: string): Place => ({host, repository: `${prefix}${name}`});
	let look: Promise<void> | undefined;
	const lookInBackground = (options: OperationOptions): void => {
		const request = {host, repository: '', method: 'GET', path: '/v2/'} as const;
		look ??= backOff
			.run(async () => (await transport.send(request, options)).discard())
			// Whoever needs it meets the failure again.
			.catch(() => undefined)
			.finally(() => {
				look = undefined;
			});
	};
	return {
		async close() {
			await look;
			await transport.close();
		},
		of(ns) {
			const wire: Wire = {transport: withNamespace(transport, ns), retry};
			return {
				host,
				namespace: ns ?? spec.namespace,
				resolve: (name, wanted, operation) =>
					backOff.run(() =>
						inTime(host, answerMs, operation, given => orAbsent(resolveAt(wire, placeOf(name), wanted, given))),
					),
				manifest: (name, descriptor, operation) =>
					backOff.run(() => getDocument(wire, placeOf(name), descriptor, operation)),
				hasBlob: (name, digest, operation) =>
					backOff.run(() => existsAt(wire, placeOf(name), blobDescriptor(digest, 0), operation)),
				blob: (name, digest, operation) => backOff.run(() => orAbsent(getBlob(wire, placeOf(name), digest, operation))),
				blobFrom: (name, digest, span, operation) =>
					backOff.run(() => getRest(wire, placeOf(name), digest, span, operation)),
				tags: (name, operation) => backOff.run(() => listTags(wire, placeOf(name), operation)),
				referrers: (name, subject, operation) =>
					backOff.run(() => listReferrers(wire, placeOf(name), subject, operation)),
				isDown(operation) {
					if (backOff.isDown() && !backOff.isResting()) lookInBackground(operation);
					return backOff.isDown();
				},
				failed: error => backOff.failed(error),
			};
		},
	};
}

/** The registry itself, never a mirror of it, which may be the very server that asks. */
function upstreamHosts({host, isPlain}: UpstreamPlace, configured: HostResolver | undefined): HostResolver {
	return async (asked, repository, options) => {
		const isDeclaredPlain = isPlain && asked === host;
		const plain = homeEndpoint(asked, repository, {insecure: isDeclaredPlain});
		const own = (await configured?.(asked, repository, options))?.at(-1) ?? plain;
		return [isDeclaredPlain ? {...own, origin: `http://${host}`, insecure: true} : own];
	};
}

/** containerd's way to tell a mirror which registry it means. */
function withNamespace(transport: Transport, ns: string | undefined): Transport {
	if (ns === undefined) return transport;
	return {
		close: transport.close,
		send(request, options) {
			const {path} = request;
			const query = `${path.includes('?') ? '&' : '?'}ns=${encodeURIComponent(ns)}`;
			return transport.send(path.startsWith('/') ? {...request, path: path + query} : request, options);
		},
	};
}

/** A pull does not wait for an upstream that hangs: it may be served with what was last seen. */
async function inTime<R>(
	host: string,
	limitMs: number,
	{signal, ...options}: OperationOptions,
	work: (options: OperationOptions) => Promise<R>,
): Promise<R> {
	const timeout = AbortSignal.timeout(limitMs);
	try {
		return await work({...options, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout])});
	} catch (error) {
		if (!timeout.aborted || signal?.aborted === true) throw error;
		const message = `${host} does not answer within ${limitMs} ms`;
		throw new RegistryError('ERR_REGISTRY_UNREACHABLE', message, {temporary: true, cause: error});
	}
}

async function orAbsent<R>(work: Promise<R>): Promise<R | undefined> {
	try {
		return await work;
	} catch (error) {
		if (hasCode(error, 'ERR_IMAGE_UNKNOWN') || hasCode(error, 'ERR_CONTENT_MISSING')) return undefined;
		throw error;
	}
}

async function getBlob(wire: Wire, place: Place, digest: Digest, options: OperationOptions): Promise<UpstreamBlob> {
	const request = blobRequest(place, digest);
	const response = await withRetry(digest, wire.retry ?? {}, options, () => wire.transport.send(request, options));
	const length = response.header('content-length') ?? '';
	if (response.status === 404) {
		await response.discard();
		throw missingContent(blobDescriptor(digest, 0), `${place.host}/${place.repository}`);
	}
	if (response.status !== 200 || !/^\d{1,15}$/.test(length) || response.header('content-encoding') !== undefined) {
		await response.discard();
		const message = `${place.host} does not say how long ${digest} is`;
		throw new RegistryError('ERR_REGISTRY_RESPONSE', message, {method: 'GET', status: response.status});
	}
	const sizeBytes = Number(length);
	if (sizeBytes === 0) await response.discard();
	const span = {start: 0, end: sizeBytes};
	const download = {wire, request, descriptor: blobDescriptor(digest, sizeBytes), options};
	// What a broken connection leaves out is asked for from there on.
	const generator = readSpan(download, span, {response, span, isPart: false});
	return {sizeBytes, bytes: closable(generator, () => response.discard())};
}

async function getRest(
	wire: Wire,
	place: Place,
	digest: Digest,
	span: Span,
	options: OperationOptions,
): Promise<Bytes> {
	const request = blobRequest(place, digest);
	const download = {wire, request, descriptor: blobDescriptor(digest, span.end), options};
	const opened = await openSpan(download, span);
	return closable(readSpan(download, span, opened), () => opened.response.discard());
}

function blobRequest(place: Place, digest: Digest) {
	const path = `/v2/${place.repository}/blobs/${digest}`;
	return {...place, method: 'GET', path, headers: {'accept-encoding': 'identity'}} as const;
}

function blobDescriptor(digest: Digest, size: number): Descriptor {
	return {mediaType: 'application/octet-stream', digest, size};
}
