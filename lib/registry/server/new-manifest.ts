import {isSealError} from '../../core/errors.js';
import {type Descriptor, parseDescriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {type ImageIndex, type ImageManifest, isIndex, parseManifest} from '../../oci/manifest.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {referrerDescriptor} from '../../oci/referrer.js';
import type {NewManifest} from '../storage/storage.js';
import {refuse} from './refusal.js';

/**
 * Reads a manifest that a client pushes: what it is, and what it needs.
 * @param contentType the header as it came
 * @throws Refusal MANIFEST_INVALID
 */
export function readNewManifest(bytes: Uint8Array, contentType: string | undefined, digest: Digest): NewManifest {
	const mediaType = mediaTypeOf(bytes, contentType);
	if (!isIndexType(mediaType) && !isManifestType(mediaType)) {
		throw refuse('MANIFEST_INVALID', `Manifests of the type ${mediaType.slice(0, 200)} are not kept here`, {
			detail: {mediaType: mediaType.slice(0, 200)},
		});
	}
	try {
		const document = parseManifest(bytes, mediaType, digest);
		return {digest, mediaType, bytes, ...contents(document), referrer: referrerOf(document, digest, bytes.length)};
	} catch (error) {
		if (isSealError(error)) throw refuse('MANIFEST_INVALID', error.message);
		throw error;
	}
}

/** The header's type without parameters; a client that sends none must say it in the manifest. */
function mediaTypeOf(bytes: Uint8Array, contentType: string | undefined): string {
	const named = contentType?.split(';', 1)[0]?.trim() ?? '';
	if (named !== '') return named;
	let own: unknown;
	try {
		own = (JSON.parse(Buffer.from(bytes).toString('utf8')) as {mediaType?: unknown} | null)?.mediaType;
	} catch {
		throw refuse('MANIFEST_INVALID', 'The manifest is no JSON');
	}
	if (typeof own === 'string') return own;
	throw refuse('MANIFEST_INVALID', 'Neither the header Content-Type nor the manifest says what type it has');
}

function contents(document: ImageManifest | ImageIndex): Pick<NewManifest, 'blobs' | 'manifests'> {
	if (isIndex(document)) return {blobs: [], manifests: document.manifests};
	return {blobs: [document.config, ...document.layers.filter(layer => !isForeign(layer))], manifests: []};
}

/** Layers that may not be pushed anywhere, and lie under their URLs (image-spec, "Non-Distributable Layers"). */
function isForeign({mediaType, urls = []}: Descriptor): boolean {
	return urls.length > 0 && /\.foreign\.|\.nondistributable\./.test(mediaType);
}

function referrerOf(document: ImageManifest | ImageIndex, digest: Digest, size: number): NewManifest['referrer'] {
	if (document.subject === undefined) return undefined;
	const subject = parseDescriptor(document.subject, `${digest} subject`).digest;
	return {subject, descriptor: referrerDescriptor({mediaType: document.mediaType, digest, size}, document)};
}
