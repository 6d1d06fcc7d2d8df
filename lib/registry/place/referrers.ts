import type {Abortable} from '../../core/events.js';
import {isReferrerLister} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {readManifest} from '../../oci/image.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {referrerDescriptor} from '../../oci/referrer.js';
import type {OpenPlace} from './options.js';

export interface ReferrersOptions extends Abortable {
	/** Only artifacts of this type at the top; what refers to those is given whatever its type. */
	readonly artifactType?: string | undefined;
}

/** An artifact (signature, attestation, inventory) with what refers to it in turn. */
export interface Referrer {
	readonly descriptor: Descriptor;
	readonly referrers: readonly Referrer[];
}

const maxDepth = 8;

/** The artifacts whose subject is `subject`, as a tree. Empty when there are none. */
export async function listPlaceReferrers(
	place: OpenPlace,
	subject: Digest,
	options: ReferrersOptions = {},
): Promise<readonly Referrer[]> {
	const find = await finderFor(place, options);
	const seen = new Set<Digest>([subject]);
	const below = async (digest: Digest, depth: number, artifactType: string | undefined): Promise<Referrer[]> => {
		const found: Referrer[] = [];
		for (const descriptor of await find(digest, artifactType)) {
			if (seen.has(descriptor.digest)) continue;
			seen.add(descriptor.digest);
			const referrers = depth < maxDepth ? await below(descriptor.digest, depth + 1, undefined) : [];
			found.push({descriptor, referrers});
		}
		return found;
	};
	return await below(subject, 1, options.artifactType);
}

type Finder = (subject: Digest, artifactType: string | undefined) => Promise<readonly Descriptor[]>;

async function finderFor({content, images}: OpenPlace, {signal}: Abortable): Promise<Finder> {
	if (isReferrerLister(content))
		return async (subject, artifactType) => await content.referrers(subject, {artifactType, signal});
	const bySubject = new Map<string, Descriptor[]>();
	for (const {descriptor} of (await images?.()) ?? []) {
		if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) continue;
		const document = await readManifest(content, descriptor, {signal});
		if (document.subject === undefined) continue;
		const {digest} = document.subject;
		bySubject.set(digest, [...(bySubject.get(digest) ?? []), referrerDescriptor(descriptor, document)]);
	}
	return async (subject, artifactType) =>
		(bySubject.get(subject) ?? []).filter(item => artifactType === undefined || item.artifactType === artifactType);
}
