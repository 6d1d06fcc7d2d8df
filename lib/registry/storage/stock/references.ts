import {type Digest, isDigest} from '../../../oci/digest.js';

/** What a manifest of any kind names. */
export interface References {
	/** Configs, layers and artifact blobs. */
	readonly blobs: readonly Digest[];
	/** Children of an index. */
	readonly manifests: readonly Digest[];
	readonly subject: Digest | undefined;
}

/**
 * Reads every kind of manifest that registries have known, docker's first one and the artifact manifest of the release candidates
 * too: a collector must not take content for garbage because its manifest is old. Undefined when the bytes are no manifest.
 */
export function referencesOf(bytes: Uint8Array): References | undefined {
	const document = manifestFields(bytes);
	if (document === undefined) return undefined;
	const {config, layers, blobs, fsLayers, manifests, subject} = document;
	return {
		blobs: [
			...digestsOf([config], 'digest'),
			...digestsOf(layers, 'digest'),
			...digestsOf(blobs, 'digest'),
			...digestsOf(fsLayers, 'blobSum'),
		],
		manifests: digestsOf(manifests, 'digest'),
		subject: digestsOf([subject], 'digest')[0],
	};
}

function digestsOf(list: unknown, key: 'digest' | 'blobSum'): readonly Digest[] {
	if (!Array.isArray(list)) return [];
	return list.map(item => (item as Readonly<Record<string, unknown>> | null | undefined)?.[key]).filter(isDigest);
}

/** The fields of a document of any kind; undefined when the bytes are no JSON object. */
export function manifestFields(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
	try {
		const document: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
		const isObject = typeof document === 'object' && document !== null && !Array.isArray(document);
		return isObject ? (document as Readonly<Record<string, unknown>>) : undefined;
	} catch {
		return undefined;
	}
}
