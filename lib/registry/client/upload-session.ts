import type {Bytes} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {algorithmOf} from '../../oci/digest.js';
import {RegistryError} from '../exchange/error.js';
import {responseError} from '../exchange/response-error.js';
import type {RegistryRequest, RegistryResponse} from '../exchange/transport.js';
import {existsToWrite, placeName} from './read.js';
import type {Place, Wire} from './wire.js';

/** A blob upload under way at a registry (distribution-spec, "Pushing blobs"). */
export interface UploadSession {
	/** Where the next request goes; each answer may name another place. May be a signed link: never shown. */
	location: string;
	/** Bytes that the registry has. */
	offset: number;
	/** The least that a part must have, other than the last; 0 when the registry does not care. */
	readonly minPartBytes: number;
	/** All that it has came from this process, without a break: when it is wrong, so is the source. */
	isClean: boolean;
	/** The offset has to be asked for before anything is sent. */
	isStale: boolean;
}

/**
 * Opens an upload, or with `mount` takes the content from where the registry has it (`from`, or any place): then resolves
 * with undefined.
 * @throws RegistryError
 */
export async function beginUpload(
	wire: Wire,
	place: Place,
	{digest}: Descriptor,
	mount: {readonly from?: string | undefined} | undefined,
	options: OperationOptions,
): Promise<UploadSession | undefined> {
	const query = new URLSearchParams();
	if (mount !== undefined) query.set('mount', digest);
	if (mount?.from !== undefined) query.set('from', mount.from);
	if (algorithmOf(digest) !== 'sha256') query.set('digest-algorithm', algorithmOf(digest));
	// Colons and slashes may stand in a query as they are, and some registries compare the text.
	const text = query.toString().replaceAll('%3A', ':').replaceAll('%2F', '/');
	const path = `/v2/${place.repository}/blobs/uploads/${text === '' ? '' : `?${text}`}`;
	const readsFrom = mount?.from === undefined ? [] : [mount.from];
	const response = await wire.transport.send({...place, method: 'POST', path, readsFrom}, options);
	if (response.status === 201 && mount !== undefined) {
		await response.discard();
		return undefined;
	}
	await expect(response, [202], 'POST');
	const minPartBytes = Number(response.header('oci-chunk-min-length') ?? 0);
	return {
		location: locationOf(response, place, undefined),
		offset: 0,
		minPartBytes: Number.isSafeInteger(minPartBytes) && minPartBytes > 0 ? minPartBytes : 0,
		isClean: true,
		isStale: false,
	};
}

/** Asks how much arrived. False when the upload is gone, or the registry cannot tell. @throws RegistryError */
export async function askStatus(
	wire: Wire,
	place: Place,
	session: UploadSession,
	sizeBytes: number,
	options: OperationOptions,
): Promise<boolean> {
	let response: RegistryResponse;
	try {
		response = await wire.transport.send(requestOf(place, session.location, 'GET'), options);
	} catch (error) {
		if (error instanceof RegistryError && error.status !== undefined && !error.temporary && error.status !== 401)
			return false;
		throw error;
	}
	await response.discard();
	const offset = offsetIn(response);
	if (response.status >= 300 || offset === undefined || offset > sizeBytes) return false;
	session.location = locationOf(response, place, session.location);
	session.offset = offset;
	session.isClean = false;
	session.isStale = false;
	return true;
}

export interface Part {
	readonly start: number;
	/** Before this byte the part ends. */
	readonly end: number;
	readonly sizeBytes: number;
	/** Called once: what it gives cannot be sent a second time. */
	readonly body: () => Bytes;
}

/** Sends a part of the content. @throws RegistryError; with status 404 when the upload is gone, 416 when the offset is another */
export async function sendPart(
	wire: Wire,
	place: Place,
	session: UploadSession,
	{start, end, sizeBytes, body}: Part,
	options: OperationOptions,
): Promise<void> {
	const isAll = start === 0 && end === sizeBytes;
	const headers = {
		'content-type': 'application/octet-stream',
		'content-length': String(end - start),
		// What goes in one piece is sent as docker sends it: that is what every registry understands.
		...(isAll ? {} : {'content-range': `${start}-${end - 1}`}),
	};
	const response = await wire.transport.send({...requestOf(place, session.location, 'PATCH'), headers, body}, options);
	await expect(response, [201, 202, 204], 'PATCH');
	const offset = offsetIn(response) ?? end;
	// Some answer with the range of what they got before.
	session.offset = offset > start && offset < end ? offset : end;
	session.location = locationOf(response, place, session.location);
}

/** Registries hash again, or copy, before they answer: large content takes its time. */
const patienceMs = 120_000;
const slowestBytesPerMs = 20_000;

/** Ends an upload, with its last bytes if there are any. @throws RegistryError */
export async function finishUpload(
	wire: Wire,
	place: Place,
	session: UploadSession,
	descriptor: Descriptor,
	body: Uint8Array | undefined,
	options: OperationOptions,
): Promise<void> {
	const {digest} = descriptor;
	const {location} = session;
	const url = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;
	const headers = {'content-type': 'application/octet-stream'};
	const idleTimeoutMs = patienceMs + Math.ceil(descriptor.size / slowestBytesPerMs);
	const request = {...requestOf(place, url, 'PUT'), idleTimeoutMs};
	const response = await wire.transport.send({...request, headers, body: body && (() => body)}, options);
	await expect(response, [200, 201, 202, 204], 'PUT');
	const stored = response.header('docker-content-digest');
	if (stored === undefined || stored === digest) return;
	const isOtherAlgorithm = !stored.startsWith(`${algorithmOf(digest)}:`);
	if (isOtherAlgorithm && (await existsToWrite(wire, place, descriptor, options))) return;
	throw new RegistryError('ERR_REGISTRY_RESPONSE', `${placeName(place)} stored ${digest} as ${stored}`, {
		method: 'PUT',
		url: response.url,
		status: response.status,
		hint: isOtherAlgorithm ? 'Use sha256 digests with this registry.' : undefined,
	});
}

const cancelTimeoutMs = 5_000;
/** Somebody pressed a key and waits. */
const hurriedTimeoutMs = 3_000;

/** Lets the registry forget an upload. Never rejects, and does not wait long: registries clean up by themselves, later. */
export async function cancelUpload(
	wire: Wire,
	place: Place,
	session: UploadSession,
	isHurried: boolean,
): Promise<void> {
	try {
		const signal = AbortSignal.timeout(isHurried ? hurriedTimeoutMs : cancelTimeoutMs);
		const request = requestOf(place, session.location, 'DELETE');
		const response = await wire.transport.send(request, {signal});
		await response.discard();
	} catch {
		// Best effort.
	}
}

/** One token serves the whole upload: a status that is asked for after a 401 renews that of the next part. */
function requestOf(place: Place, path: string, method: RegistryRequest['method']): RegistryRequest {
	return {...place, method, path, actions: ['pull', 'push']};
}

async function expect(response: RegistryResponse, statuses: readonly number[], method: string): Promise<void> {
	if (!statuses.includes(response.status)) throw await responseError(response, method, response.url);
	await response.discard();
}

/** The end of `Range: 0-41` plus one. `0-0` is said of nothing, and of one byte: nobody has one byte. */
function offsetIn(response: HttpResponse): number | undefined {
	const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(response.header('range')?.trim() ?? '')?.[1];
	return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
}

/**
 * Where the upload goes on. Registries behind a proxy that ends TLS often do not know that they are reached over https:
 * at the same host a Location keeps the scheme and port of the request.
 */
function locationOf(response: RegistryResponse, place: Place, former: string | undefined): string {
	const text = response.header('location');
	if (text === undefined && former !== undefined) return former;
	const base = new URL(response.url);
	if (text === undefined || !URL.canParse(text, response.url)) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `${placeName(place)} does not say where an upload goes on`, {
			url: response.url,
			status: response.status,
		});
	}
	const url = new URL(text, base);
	if (!/^https?:$/.test(url.protocol)) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `${placeName(place)} sends an upload to no web address`, {
			url: response.url,
			status: response.status,
		});
	}
	if (url.hostname === base.hostname && url.protocol === 'http:' && base.protocol === 'https:') {
		url.protocol = base.protocol;
		url.port = base.port;
	}
	url.hash = '';
	url.username = '';
	url.password = '';
	return url.href;
}
