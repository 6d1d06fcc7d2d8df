import {emit, type OperationOptions, type SealEvent} from '../../../core/events.js';
import {mapBounded} from '../../../core/pool.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {childrenOf, isIndex, parseManifest} from '../../../oci/manifest.js';
import {isIndexType, isManifestType} from '../../../oci/media-types.js';
import {missingContent} from '../../../oci/verify.js';
import type {StockParts} from './parts.js';

/**
 * Makes a stored image readable in a repository: links for all that it reaches, what is named before what names it. Children
 * of an index that are not in the folder are left out.
 * @throws SealError ERR_CONTENT_MISSING when the image itself, or content of one of its manifests, is not there
 */
export async function linkImage(
	parts: StockParts,
	repository: string,
	image: Descriptor,
	options: OperationOptions,
): Promise<void> {
	const plan = {blobs: new Map<Digest, Descriptor>(), documents: new Set<Digest>()};
	await collect(parts, image, plan, 0, options);
	await mapBounded([...plan.blobs.values()], 8, blob => linkBlob(parts, repository, blob), options);
	for (const digest of plan.documents) {
		options.signal?.throwIfAborted();
		await parts.manifests.link(repository, digest);
	}
}

interface Plan {
	readonly blobs: Map<Digest, Descriptor>;
	/** In the order in which they were left: children first. */
	readonly documents: Set<Digest>;
}

const maxDepth = 12;

async function collect(
	parts: StockParts,
	descriptor: Descriptor,
	plan: Plan,
	depth: number,
	options: OperationOptions,
): Promise<void> {
	options.signal?.throwIfAborted();
	if (plan.documents.has(descriptor.digest)) return;
	const found = await parts.manifests.content(descriptor.digest);
	if (found === undefined || depth > maxDepth) {
		if (depth === 0) throw missingContent(descriptor, parts.folder.name);
		return;
	}
	if (found.mediaType !== descriptor.mediaType) emit(options, unnamedType(descriptor, found.mediaType));
	const document = parseManifest(found.bytes, descriptor.mediaType, descriptor.digest);
	for (const child of childrenOf(document)) {
		const isDocument = isIndex(document) && (isIndexType(child.mediaType) || isManifestType(child.mediaType));
		if (isDocument) await collect(parts, child, plan, depth + 1, options);
		else plan.blobs.set(child.digest, child);
	}
	plan.documents.add(descriptor.digest);
}

/** The layout keeps no media types: a document that does not name its own is served under the one of its shape. */
function unnamedType({digest, mediaType}: Descriptor, served: string): SealEvent {
	return {
		type: 'warning',
		code: 'RegistryMediaType',
		message: `${digest} does not name its media type; registries will serve it as ${served} instead of ${mediaType}`,
		hint: 'Push the image again with a current tool.',
	};
}

async function linkBlob(parts: StockParts, repository: string, blob: Descriptor): Promise<void> {
	const facts = await parts.blobs.facts(blob.digest);
	if (facts?.sizeBytes === blob.size) return await parts.blobs.link(repository, blob.digest);
	// Layers that may not be distributed are fetched from elsewhere.
	if (facts === undefined && blob.urls !== undefined && blob.urls.length > 0) return;
	throw missingContent(blob, parts.folder.name);
}
