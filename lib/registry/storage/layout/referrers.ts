import {type Descriptor, parseDescriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {isIndex, parseManifest} from '../../../oci/manifest.js';
import {isIndexType} from '../../../oci/media-types.js';
import {referrersTag} from '../referrer.js';
import type {Documents} from './documents.js';
import type {Membership} from './membership.js';
import type {Snapshot} from './snapshot.js';

/**
 * What a repository has attached to `subject`: the manifests that say so themselves, and those that a client lists in an index
 * under the tag `sha256-<hex>`, as they do where a registry knows no referrers (distribution-spec, "Referrers Tag Schema").
 */
export async function listReferrers(
	parts: {readonly membership: Membership; readonly documents: Documents},
	snapshot: Snapshot,
	stored: string,
	subject: Digest,
): Promise<readonly Descriptor[]> {
	const {membership, documents} = parts;
	const found = new Map<string, Descriptor>();
	const tagged = snapshot.repositories.get(stored)?.tags.get(referrersTag(subject));
	for (const listed of tagged === undefined ? [] : await childrenOf(documents, tagged)) {
		if ((await membership.findManifest(snapshot, stored, listed.digest)) !== undefined)
			found.set(listed.digest, listed);
	}
	for (const reach of await membership.reaches(snapshot, stored)) {
		for (const referrer of reach.referrers.get(subject) ?? []) found.set(referrer.digest, referrer);
	}
	return [...found.values()];
}

/** The descriptors of an index as it words them; none of what is no index, whatever its tag says. */
async function childrenOf(documents: Documents, tagged: Descriptor): Promise<readonly Descriptor[]> {
	const bytes = isIndexType(tagged.mediaType) ? await documents.bytes(tagged) : undefined;
	if (bytes === undefined) return [];
	const document = parseManifest(bytes, tagged.mediaType, tagged.digest);
	return isIndex(document) ? document.manifests.map(child => parseDescriptor(child, tagged.digest)) : [];
}
