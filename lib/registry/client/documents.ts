import type {OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import {getDocument, placeName, resolveAt} from './read.js';
import type {Place, Wire} from './wire.js';

/** Writes manifests and indexes to a repository. */
export interface DocumentWriter {
	/** Stores a document under its digest. `bytes` are verified already. @throws RegistryError */
	push(descriptor: Descriptor, bytes: Buffer, options?: OperationOptions): Promise<void>;
	/** Points a tag at a document that is stored. @throws RegistryError; SealError ERR_CONTENT_MISSING */
	tag(tag: string, descriptor: Descriptor, options?: OperationOptions): Promise<void>;
}

/** What was pushed is kept for the tag that follows, up to this much. */
const keptBytes = 16 * 1024 * 1024;

export function createDocumentWriter(wire: Wire, place: Place): DocumentWriter {
	const kept = createKeptDocuments();
	return {
		async push(descriptor, bytes, options = {}) {
			await putDocument(wire, place, descriptor.digest, descriptor, bytes, options);
			kept.set(descriptor.digest, bytes);
		},
		async tag(tag, descriptor, options = {}) {
			const pushed = kept.get(descriptor.digest);
			if (pushed === undefined && (await pointsAt(wire, place, tag, descriptor, options))) return;
			const bytes = pushed ?? (await getDocument(wire, place, descriptor, options));
			await putDocument(wire, place, tag, descriptor, bytes, options);
		},
	};
}

async function pointsAt(
	wire: Wire,
	place: Place,
	tag: string,
	{digest}: Descriptor,
	options: OperationOptions,
): Promise<boolean> {
	const found = await resolveAt(wire, place, tag, options).catch((error: unknown) => {
		options.signal?.throwIfAborted();
		if (error instanceof RegistryError) throw error;
		return undefined;
	});
	return found?.digest === digest;
}

async function putDocument(
	{transport, retry = {}}: Wire,
	place: Place,
	name: string,
	descriptor: Descriptor,
	bytes: Buffer,
	options: OperationOptions,
): Promise<void> {
	const path = `/v2/${place.repository}/manifests/${name}`;
	const headers = {'content-type': descriptor.mediaType};
	const response = await withRetry(descriptor.digest, retry, options, () =>
		transport.send({...place, method: 'PUT', path, headers, body: () => bytes}, options),
	);
	await response.discard();
	const stored = response.header('docker-content-digest');
	if (response.status < 300 && (stored === undefined || stored === descriptor.digest)) return;
	throw new RegistryError(
		'ERR_REGISTRY_RESPONSE',
		`${placeName(place)} stored ${descriptor.digest} as ${stored ?? `nothing (status ${response.status})`}`,
		{method: 'PUT', status: response.status},
	);
}

interface KeptDocuments {
	get(digest: Digest): Buffer | undefined;
	set(digest: Digest, bytes: Buffer): void;
}

/** The newest documents, bounded by their bytes. */
function createKeptDocuments(): KeptDocuments {
	const kept = new Map<Digest, Buffer>();
	let sizeBytes = 0;
	const remove = (digest: Digest): void => {
		sizeBytes -= kept.get(digest)?.length ?? 0;
		kept.delete(digest);
	};
	return {
		get: digest => kept.get(digest),
		set(digest, bytes) {
			remove(digest);
			kept.set(digest, bytes);
			sizeBytes += bytes.length;
			for (const oldest of kept.keys()) {
				if (sizeBytes <= keptBytes) break;
				remove(oldest);
			}
		},
	};
}
