import {type Digest, isDigest} from '../../oci/digest.js';
import {manifestFields} from '../storage/stock/references.js';

/** Content that a manifest names. */
export interface Named {
	readonly digest: Digest;
	/** Undefined in docker's first kind of manifest. */
	readonly size: number | undefined;
	readonly mediaType: string | undefined;
	/** A child of an index. */
	readonly isManifest: boolean;
	/** It may be absent: it is distributed from elsewhere. */
	readonly isElsewhere: boolean;
}

/** What a manifest of any kind names, parents before children; nothing when the bytes are none. */
export function namedBy(bytes: Uint8Array): readonly Named[] {
	const document = manifestFields(bytes);
	if (document === undefined) return [];
	const {config, layers, blobs, fsLayers, manifests} = document;
	return [
		...listed(manifests, true),
		...listed([config], false),
		...listed(layers, false),
		...listed(blobs, false),
		...listed(fsLayers, false),
	];
}

/** What a manifest is attached to. */
export function subjectOf(bytes: Uint8Array): Digest | undefined {
	try {
		const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
		const digest = (JSON.parse(text) as {subject?: {digest?: unknown}} | null)?.subject?.digest;
		return isDigest(digest) ? digest : undefined;
	} catch {
		return undefined;
	}
}

function listed(list: unknown, isManifest: boolean): readonly Named[] {
	if (!Array.isArray(list)) return [];
	return list.flatMap(item => {
		const {digest, blobSum, size, mediaType, urls} = (item ?? {}) as Readonly<Record<string, unknown>>;
		const found = digest ?? blobSum;
		if (!isDigest(found)) return [];
		return {
			digest: found,
			size: Number.isSafeInteger(size) ? (size as number) : undefined,
			mediaType: typeof mediaType === 'string' ? mediaType : undefined,
			isManifest,
			isElsewhere: Array.isArray(urls) && urls.length > 0,
		};
	});
}
