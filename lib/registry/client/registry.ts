import {oneChunk} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {ImageSource, PlacedContent} from '../../oci/content.js';
import type {Digest} from '../../oci/digest.js';
import {childrenOf, parseManifest} from '../../oci/manifest.js';
import {parseReference} from '../../oci/reference.js';
import {missingContent} from '../../oci/verify.js';
import {withNotices} from '../exchange/notices.js';
import type {RetryPolicy} from '../exchange/retry.js';
import {createTransport, type TransportOptions} from '../exchange/transport.js';
import type {PartsPolicy} from './download.js';
import {resolveNear} from './near-tags.js';
import {existsAt, fetchAt, getDocument, isDocument, placeName} from './read.js';
import {openRepository, type Repository} from './repository.js';
import type {UploadJournal} from './upload-journal.js';
import type {Place, Wire} from './wire.js';

export interface RegistryOptions extends TransportOptions, OperationOptions {
	readonly retry?: RetryPolicy | undefined;
	readonly parts?: PartsPolicy | undefined;
	/** Lets uploads that broke go on in another process (`openUploadJournal`). Default: they start anew. */
	readonly uploadJournal?: UploadJournal | undefined;
}

/** All registries as one source of images. Content is found once a reference that reaches it was resolved. */
export interface Registry extends ImageSource, PlacedContent {
	/**
	 * One repository (`host/path`) to read from and to write to. It shares connections and tokens with the rest.
	 * @throws SealError ERR_REFERENCE_INVALID
	 */
	repository(name: string): Repository;
	/** Closes the connections. */
	close(): Promise<void>;
}

/**
 * Images in registries, by full reference (`host/name:tag@digest`; with both, the digest counts). Docker Hub is
 * `docker.io`. Every byte is verified; temporary failures are repeated, broken transfers taken up where they broke.
 */
export function openRegistry(options: RegistryOptions = {}): Registry {
	const {retry, parts, onEvent} = options;
	const transport = withNotices(createTransport(options), {onEvent});
	const wire: Wire = {transport, retry, parts};
	/** Where content was seen. */
	const places = new Map<Digest, Place>();
	return {
		close: transport.close,
		repository: name => openRepository(wire, name, {onEvent, uploadJournal: options.uploadJournal}),
		async resolve(text, {signal} = {}) {
			const reference = parseReference(text);
			const place = {host: reference.domain, repository: reference.path};
			const wanted = reference.digest ?? reference.tag ?? 'latest';
			const descriptor = await resolveNear(wire, place, wanted, {signal, onEvent});
			places.set(descriptor.digest, place);
			return descriptor;
		},
		placesOf({digest}) {
			const place = places.get(digest);
			return place === undefined ? [] : [placeName(place)];
		},
		async exists(descriptor, {signal} = {}) {
			const place = places.get(descriptor.digest);
			return place !== undefined && (await existsAt(wire, place, descriptor, {signal, onEvent}));
		},
		async fetch(descriptor, given = {}) {
			const place = places.get(descriptor.digest);
			if (place === undefined) throw missingContent(descriptor, 'any repository that was asked so far');
			const operation = {...given, onEvent};
			if (!isDocument(descriptor)) return await fetchAt(wire, place, descriptor, operation);
			const bytes = await getDocument(wire, place, descriptor, operation);
			const {mediaType, digest} = descriptor;
			for (const child of childrenOf(parseManifest(bytes, mediaType, digest))) places.set(child.digest, place);
			return oneChunk(bytes.subarray(given.offset ?? 0));
		},
	};
}
