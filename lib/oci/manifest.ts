import {SealError} from '../core/errors.js';
import {parseJson} from './config.js';
import {type Descriptor, parseDescriptor} from './descriptor.js';
import {isIndexType, isManifestType, mediaTypes} from './media-types.js';

/** Manifests and indexes above this are refused, as every registry may (distribution-spec: accept at least 4 MiB). */
export const maxManifestBytes = 4 * 1024 * 1024;
/** Image configs carry the history; this is far above any real one. */
export const maxConfigBytes = 16 * 1024 * 1024;

/** image-spec, manifest.md: one image for one platform. */
export interface ImageManifest {
	readonly schemaVersion: 2;
	readonly mediaType: string;
	readonly artifactType?: string;
	readonly config: Descriptor;
	readonly layers: readonly Descriptor[];
	readonly subject?: Descriptor;
	readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec, image-index.md: one name for several images. */
export interface ImageIndex {
	readonly schemaVersion: 2;
	readonly mediaType: string;
	readonly artifactType?: string;
	readonly manifests: readonly Descriptor[];
	readonly subject?: Descriptor;
	readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads a manifest or index. Documents without `mediaType` (the field is optional in OCI) take the one they were found under.
 * A document that is both (the "manifest confusion" of CVE-2021-41190) is refused.
 * @throws SealError ERR_MANIFEST_INVALID
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, name: string): ImageManifest | ImageIndex {
	const value = parseJson(bytes, name) as Record<string, unknown>;
	const type = value.mediaType === undefined ? mediaType : value.mediaType;
	if (type !== mediaType) throw invalid(name, `says it is ${String(type)} but was found as ${mediaType}`);
	if (value.schemaVersion !== 2)
		throw invalid(name, `has schemaVersion ${JSON.stringify(value.schemaVersion)}, expected 2`);
	if (value.manifests !== undefined && (value.layers !== undefined || value.config !== undefined))
		throw invalid(name, 'is manifest and index at once');
	if (isIndexType(mediaType)) {
		if (!Array.isArray(value.manifests)) throw invalid(name, 'has no list of manifests');
		const manifests = value.manifests.map((item, i) => parseDescriptor(item, `${name} manifests[${i}]`));
		return {...value, schemaVersion: 2, mediaType, manifests};
	}
	if (!isManifestType(mediaType)) throw invalid(name, `has the unknown media type ${mediaType}`);
	if (!Array.isArray(value.layers)) throw invalid(name, 'has no list of layers');
	const layers = value.layers.map((item, i) => parseDescriptor(item, `${name} layers[${i}]`));
	return {...value, schemaVersion: 2, mediaType, config: parseDescriptor(value.config, `${name} config`), layers};
}

export function isIndex(document: ImageManifest | ImageIndex): document is ImageIndex {
	return isIndexType(document.mediaType);
}

/** The bytes of a manifest or index as we write them. */
export function formatManifest(document: ImageManifest | ImageIndex): Buffer {
	const {schemaVersion, mediaType, ...rest} = document;
	return Buffer.from(JSON.stringify({schemaVersion, mediaType, ...rest}));
}

/** Every descriptor that a document names: what a copy must bring along, children before parents. */
export function childrenOf(document: ImageManifest | ImageIndex): readonly Descriptor[] {
	return isIndex(document) ? document.manifests : [document.config, ...document.layers];
}

/** The config of artifacts: two bytes, `{}` (image-spec, "Guidelines for Artifact Usage"). */
export const emptyJson: Buffer = Buffer.from('{}');
export const emptyDescriptor: Descriptor = {
	mediaType: mediaTypes.empty,
	digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
	size: 2,
};

function invalid(name: string, what: string): SealError {
	return new SealError('ERR_MANIFEST_INVALID', `The manifest ${name} ${what}`);
}
