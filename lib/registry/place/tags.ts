import type {Abortable} from '../../core/events.js';
import {isTagLister} from '../../oci/content.js';
import {parseReference, repositoryOf} from '../../oci/reference.js';
import type {OpenPlace} from './options.js';

/**
 * The tags of the repository that a place is in, in byte order; of a folder or archive all names that it holds, as they are
 * written there.
 * @throws SealError ERR_IMAGE_UNKNOWN when the repository is not known
 */
export async function listPlaceTags(
	{place, content, images}: OpenPlace,
	options: Abortable = {},
): Promise<readonly string[]> {
	if (isTagLister(content)) return await content.tags(options);
	const names = ((await images?.()) ?? []).flatMap(image => image.names);
	if (place.kind !== 'store') return [...new Set(names)].toSorted();
	const repository = repositoryOf(parseReference(place.reference));
	const tags = names.flatMap(name => {
		const reference = parseReference(name);
		return repositoryOf(reference) === repository && reference.tag !== undefined ? [reference.tag] : [];
	});
	return [...new Set(tags)].toSorted();
}
