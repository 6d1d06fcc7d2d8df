import type {OperationOptions} from '../../core/events.js';
import {createGate, mapBounded} from '../../core/pool.js';
import {type Descriptor, parseDescriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {childrenOf, parseManifest} from '../../oci/manifest.js';
import {referrerDescriptor} from '../../oci/referrer.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import type {RegistryResponse} from '../exchange/transport.js';
import {digestOfTag, existsToWrite, getDocument, placeName} from './read.js';
import {listUnderSubject} from './subject.js';
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
	/** Lists are read, changed and written: by one at a time, as far as this process goes. */
	const listing = new Map<Digest, ReturnType<typeof createGate>>();
	return {
		async push(descriptor, bytes, options = {}) {
			const response = await putDocument(wire, place, descriptor.digest, descriptor, bytes, options);
			kept.set(descriptor.digest, bytes);
			const document = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
			if (document.subject === undefined || response.header('oci-subject') !== undefined) return;
			const {digest: subject} = parseDescriptor(document.subject, `${descriptor.digest} subject`);
			const gate = listing.get(subject) ?? createGate(1);
			listing.set(subject, gate);
			const referrer = referrerDescriptor(descriptor, document);
			await gate.run(() => listUnderSubject(wire, place, subject, referrer, options));
		},
		async tag(tag, descriptor, options = {}) {
			const pushed = kept.get(descriptor.digest);
			if (pushed === undefined && (await digestOfTag(wire, place, tag, options)) === descriptor.digest) return;
			const bytes = pushed ?? (await getDocument(wire, place, descriptor, options));
			await putDocument(wire, place, tag, descriptor, bytes, options);
		},
	};
}

async function putDocument(
	wire: Wire,
	place: Place,
	name: string,
	descriptor: Descriptor,
	bytes: Buffer,
	options: OperationOptions,
): Promise<RegistryResponse> {
	const {transport, retry = {}} = wire;
	const path = `/v2/${place.repository}/manifests/${name}`;
	const headers = {'content-type': descriptor.mediaType};
	let response: RegistryResponse;
	try {
		const send = () => transport.send({...place, method: 'PUT', path, headers, body: () => bytes}, options);
		response = await withRetry(descriptor.digest, retry, options, send);
	} catch (error) {
		throw await explained(wire, place, descriptor, bytes, error, options);
	}
	await response.discard();
	const stored = response.header('docker-content-digest');
	if (response.status >= 300 || (stored !== undefined && stored !== descriptor.digest)) {
		throw new RegistryError(
			'ERR_REGISTRY_RESPONSE',
			`${placeName(place)} stored ${descriptor.digest} as ${stored ?? `nothing (status ${response.status})`}`,
			{method: 'PUT', url: response.url, status: response.status},
		);
	}
	return response;
}

/** Says what people can act on where registries only say no. */
async function explained(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	bytes: Buffer,
	error: unknown,
	options: OperationOptions,
): Promise<unknown> {
	if (!(error instanceof RegistryError)) return error;
	const {method, url, status, errors} = error;
	const facts = {...(method && {method}), ...(url && {url}), ...(status && {status}), errors, cause: error};
	if (status === 413) {
		const message = `${place.host} takes no manifest of ${bytes.length} bytes`;
		return new RegistryError('ERR_REGISTRY_RESPONSE', message, {
			...facts,
			hint: 'Use fewer layers or annotations, or raise the limit of the registry or of the proxy before it.',
		});
	}
	if (!errors.some(({code}) => code === 'MANIFEST_BLOB_UNKNOWN')) return error;
	const children = childrenOf(parseManifest(bytes, descriptor.mediaType, descriptor.digest));
	const there = await mapBounded(children, 8, child => existsToWrite(wire, place, child, options), options).catch(
		() => [],
	);
	const missing = children.filter((_, i) => there[i] === false).map(({digest}) => digest);
	const named = missing.length === 0 ? 'content that it does not name' : missing.slice(0, 5).join(', ');
	const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
	return new RegistryError(
		'ERR_REGISTRY_RESPONSE',
		`${placeName(place)} does not take ${descriptor.digest} without ${named}${more}`,
		{...facts, details: {missing}, hint: 'Push the image again: what is missing is uploaded then.'},
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
