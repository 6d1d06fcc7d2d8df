import {parseJson} from '../../oci/config.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {algorithmOf, type Digest, hexOf, isDigest} from '../../oci/digest.js';
import type {StoredManifest} from './storage.js';

/** A manifest that is attached to another one, as the list of referrers shows it. */
export interface Referrer {
	readonly subject: Digest;
	readonly descriptor: Descriptor;
}

/**
 * What a manifest is attached to, with the descriptor of distribution-spec, "Listing Referrers": the artifact type is its own
 * or else that of its config, which an index does not have. Undefined when it has no subject.
 */
export function referrerOf({bytes, mediaType, digest}: StoredManifest): Referrer | undefined {
	let document: Readonly<Record<string, unknown>>;
	try {
		document = parseJson(bytes, digest) as Readonly<Record<string, unknown>>;
	} catch {
		return undefined;
	}
	const subject = (document.subject as {readonly digest?: unknown} | null | undefined)?.digest;
	if (!isDigest(subject)) return undefined;
	const configType = (document.config as {readonly mediaType?: unknown} | null | undefined)?.mediaType;
	const artifactType = [document.artifactType, configType].find(
		(type): type is string => typeof type === 'string' && type !== '',
	);
	const {annotations} = document as {readonly annotations?: Descriptor['annotations'] | null};
	return {
		subject,
		descriptor: {
			mediaType,
			digest,
			size: bytes.length,
			...(artifactType === undefined ? {} : {artifactType}),
			...(annotations === undefined || annotations === null ? {} : {annotations}),
		},
	};
}

/** The tag under which clients list referrers where the registry does not (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(subject: Digest): string {
	return `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`;
}
