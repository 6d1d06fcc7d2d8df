import {isSealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {readDocument} from '../../../oci/image.js';
import {
	childrenOf,
	type ImageIndex,
	type ImageManifest,
	maxManifestBytes,
	parseManifest,
} from '../../../oci/manifest.js';
import {isIndexType, isManifestType} from '../../../oci/media-types.js';
import type {Store} from '../../../oci/store/store.js';
import {type Referrer, referrerOf} from '../referrer.js';

/** What membership needs to know of a manifest or index. */
export interface DocumentFacts {
	readonly children: readonly Descriptor[];
	/** Undefined without a subject. */
	readonly referrer: Referrer | undefined;
}

/** The manifests of a store, read and verified once and kept by digest while there is room. */
export interface Documents {
	/** The verified bytes; undefined when they are missing or damaged. */
	bytes(descriptor: Descriptor, options?: Abortable): Promise<Uint8Array | undefined>;
	/** Undefined when it is no manifest or index, or its bytes are missing or damaged. */
	facts(descriptor: Descriptor): Promise<DocumentFacts | undefined>;
}

const maxKeptBytes = 16 * 1024 * 1024;
const maxKeptFacts = 50_000;

export function createDocuments(store: Store): Documents {
	const kept = new Map<Digest, Uint8Array>();
	let keptBytes = 0;
	const factsByDigest = new Map<Digest, DocumentFacts>();

	const keep = (digest: Digest, bytes: Uint8Array): void => {
		kept.set(digest, bytes);
		keptBytes += bytes.length;
		for (const [oldest, {length}] of kept) {
			if (keptBytes <= maxKeptBytes) break;
			kept.delete(oldest);
			keptBytes -= length;
		}
	};
	const bytes: Documents['bytes'] = async (descriptor, {signal} = {}) => {
		const known = kept.get(descriptor.digest);
		if (known !== undefined) {
			kept.delete(descriptor.digest);
			kept.set(descriptor.digest, known);
			return known;
		}
		try {
			const read = await readDocument(store, descriptor, maxManifestBytes, {signal});
			if (!kept.has(descriptor.digest)) keep(descriptor.digest, read);
			return read;
		} catch (error) {
			signal?.throwIfAborted();
			if (isSealError(error) && absent.has(error.code)) return undefined;
			throw error;
		}
	};
	return {
		bytes,
		async facts(descriptor) {
			if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) return undefined;
			const known = factsByDigest.get(descriptor.digest);
			if (known !== undefined) return known;
			const read = await bytes(descriptor);
			const facts = read === undefined ? undefined : factsOf(descriptor, read);
			if (facts === undefined) return undefined;
			if (factsByDigest.size >= maxKeptFacts) factsByDigest.clear();
			factsByDigest.set(descriptor.digest, facts);
			return facts;
		},
	};
}

const absent: ReadonlySet<string> = new Set(['ERR_CONTENT_MISSING', 'ERR_CONTENT_DIGEST', 'ERR_CONTENT_SIZE']);

/** What the bytes of a manifest or index say; undefined when they are neither. */
export function factsOf(descriptor: Descriptor, bytes: Uint8Array): DocumentFacts | undefined {
	let document: ImageManifest | ImageIndex;
	try {
		document = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
	} catch {
		return undefined;
	}
	return {
		children: childrenOf(document).map(({mediaType, digest, size}) => ({mediaType, digest, size})),
		referrer: referrerOf({...descriptor, bytes}),
	};
}
