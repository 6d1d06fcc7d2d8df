import {algorithmOf, type Digest, hexOf} from '../../../oci/digest.js';

/**
 * Where things are in the storage folder of the stock registry server, relative to `docker/registry/v2`. The server turns
 * the separators of an algorithm's name into folders; the two algorithms that we verify have none.
 */
export const stockRoot = 'docker/registry/v2';

/** `blobs/sha256/ab/ab.../data` */
export function blobFile(digest: Digest): string {
	const hex = hexOf(digest);
	return `blobs/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/data`;
}

export function repositoryFolder(repository: string): string {
	return `repositories/${repository}`;
}

/** Makes a blob usable in a repository: without it the server answers 404 although the blob is there. */
export function layerLink(repository: string, digest: Digest): string {
	return `${repositoryFolder(repository)}/_layers/${algorithmOf(digest)}/${hexOf(digest)}/link`;
}

export function revisionLink(repository: string, digest: Digest): string {
	return `${revisionsFolder(repository)}/${algorithmOf(digest)}/${hexOf(digest)}/link`;
}

export function revisionsFolder(repository: string): string {
	return `${repositoryFolder(repository)}/_manifests/revisions`;
}

export function tagsFolder(repository: string): string {
	return `${repositoryFolder(repository)}/_manifests/tags`;
}

export function tagLink(repository: string, tag: string): string {
	return `${tagsFolder(repository)}/${tag}/current/link`;
}

/** The server keeps every digest that a tag ever had. */
export function tagIndexLink(repository: string, tag: string, digest: Digest): string {
	return `${tagsFolder(repository)}/${tag}/index/${algorithmOf(digest)}/${hexOf(digest)}/link`;
}
