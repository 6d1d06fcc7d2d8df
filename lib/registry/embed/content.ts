import {collect} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import type {EmbedImage, EmbedWarning} from '../../oci/embedded.js';
import {type ImageManifest, isIndex, maxManifestBytes, parseManifest} from '../../oci/manifest.js';
import {isIndexType, mediaTypes} from '../../oci/media-types.js';

export type Blob = Pick<Descriptor, 'digest' | 'size'>;

/** What an image is made of in a registry. */
export interface EmbedContent {
	/** What a tag points at: the first document of the chain. */
	readonly root: Digest;
	/** Indexes and the manifest: each gets a revision link in the repository. */
	readonly documents: readonly Blob[];
	/** Config and layers: each gets a layer link in the repository. */
	readonly usable: readonly Blob[];
	/** All of it, each digest once. */
	readonly blobs: readonly Blob[];
}

const servable: readonly string[] = [
	mediaTypes.index,
	mediaTypes.manifest,
	mediaTypes.dockerIndex,
	mediaTypes.dockerManifest,
];
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;
const foreign = /\.(?:nondistributable|foreign)\./;

/**
 * Reads the documents of an image and checks that the stock registry server can serve them.
 * @throws SealError ERR_MANIFEST_INVALID for what no registry serves today (docker's schema 1 among it)
 */
export async function readContent(
	image: EmbedImage,
	warn: (warning: EmbedWarning) => void,
	options: Abortable,
): Promise<EmbedContent> {
	const documents: Blob[] = [];
	let manifest: ImageManifest | undefined;
	for (const [position, descriptor] of image.chain.entries()) {
		const document = await readDocument(image, descriptor, warn, options);
		const next = image.chain[position + 1];
		if (!isIndex(document)) manifest = document;
		else if (next !== undefined && !document.manifests.some(child => child.digest === next.digest))
			throw unusable(image, `its index ${descriptor.digest} does not list ${next.digest}`);
		documents.push({digest: descriptor.digest, size: descriptor.size});
	}
	const root = documents[0]?.digest;
	if (manifest === undefined || root === undefined) throw unusable(image, 'it has no manifest for this platform');
	const layers = manifest.layers.filter(layer => {
		if (foreign.test(layer.mediaType) === false) return true;
		warn({
			code: 'EmbedForeignLayer',
			message: `The layer ${layer.digest} of ${image.name} may not be distributed and is not embedded`,
			hint: 'Make sure that the nodes can download it from its own address.',
		});
		return false;
	});
	const usable = distinct([manifest.config, ...layers]);
	return {root, documents, usable, blobs: distinct([...documents, ...usable])};
}

async function readDocument(
	image: EmbedImage,
	descriptor: Descriptor,
	warn: (warning: EmbedWarning) => void,
	options: Abortable,
): Promise<ReturnType<typeof parseManifest>> {
	if (schema1.test(descriptor.mediaType)) {
		throw unusable(
			image,
			'it is in the schema 1 format, which registries no longer serve',
			'Convert it, for example with "skopeo copy --format v2s2", and embed the result.',
		);
	}
	if (!servable.includes(descriptor.mediaType))
		throw unusable(image, `its media type ${descriptor.mediaType} is unknown`);
	if (descriptor.size > maxManifestBytes)
		throw unusable(image, `its manifest is longer than ${maxManifestBytes} bytes`);
	const bytes = await collect(await image.content.fetch(descriptor, options), maxManifestBytes, image.name);
	const document = parseManifest(bytes, descriptor.mediaType, image.name);
	// The server reads the type back from the document; without the field it takes the OCI type of that kind.
	const written = (JSON.parse(bytes.toString()) as {mediaType?: unknown}).mediaType;
	const assumed = isIndexType(descriptor.mediaType) ? mediaTypes.index : mediaTypes.manifest;
	if (written === undefined && descriptor.mediaType !== assumed) {
		warn({
			code: 'EmbedMediaType',
			message: `${image.name} does not name its media type; registries will serve it as ${assumed} instead of ${descriptor.mediaType}`,
			hint: 'Push the image again with a current tool.',
		});
	}
	return document;
}

function distinct(blobs: readonly Blob[]): readonly Blob[] {
	return [...new Map(blobs.map(({digest, size}) => [digest, {digest, size}])).values()];
}

function unusable(image: EmbedImage, why: string, hint?: string): SealError {
	return new SealError('ERR_MANIFEST_INVALID', `${image.name} cannot be embedded: ${why}`, {hint});
}
