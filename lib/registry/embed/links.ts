import type {EmbedLayer} from '../../oci/embedded.js';
import type {ImageReference} from '../../oci/reference.js';
import type {EmbedContent} from './content.js';
import {embeddedRepository, layerLink, plainRepository, revisionLink, tagIndexLink, tagLink} from './layout.js';
import type {LowerRegistry} from './lower.js';

export type Link = EmbedLayer['links'][number];

/**
 * The link files of an image under one name, in the repository with its domain and, when `plain`, in the one without.
 * Links that lower layers hold already are left out; a tag link is kept when it moves the tag.
 */
export function linksOf(name: ImageReference, content: EmbedContent, plain: boolean, lower: LowerRegistry): Link[] {
	const repositories = [embeddedRepository(name), ...(plain ? [plainRepository(name)] : [])];
	const links: Link[] = [];
	for (const repository of new Set(repositories)) {
		const add = (path: string, digest: string): void => {
			if (!lower.has(path)) links.push({path, digest});
		};
		for (const {digest} of content.usable) add(layerLink(repository, digest), digest);
		for (const {digest} of content.documents) add(revisionLink(repository, digest), digest);
		if (name.tag === undefined) continue;
		add(tagIndexLink(repository, name.tag, content.root), content.root);
		if (lower.tag(repository, name.tag) !== content.root)
			links.push({path: tagLink(repository, name.tag), digest: content.root});
	}
	return links;
}
