import type {Digest} from '../../oci/digest.js';
import {type ImageReference, repositoryOf} from '../../oci/reference.js';
import * as stock from '../storage/stock/paths.js';

/** Where a cluster image keeps its embedded registry: the storage folder of the stock registry server. */
export const registryRoot = `registry/${stock.stockRoot}`;

/** `blobs/sha256/ab/ab.../data` */
export function blobFile(digest: Digest): string {
	return `${registryRoot}/${stock.blobFile(digest)}`;
}

export function repositoryFolder(repository: string): string {
	return `${registryRoot}/${stock.repositoryFolder(repository)}`;
}

/** Makes a blob usable in a repository: without it the server answers 404 although the blob is there. */
export function layerLink(repository: string, digest: Digest): string {
	return `${registryRoot}/${stock.layerLink(repository, digest)}`;
}

export function revisionLink(repository: string, digest: Digest): string {
	return `${registryRoot}/${stock.revisionLink(repository, digest)}`;
}

export function tagLink(repository: string, tag: string): string {
	return `${registryRoot}/${stock.tagLink(repository, tag)}`;
}

/** The server keeps every digest that a tag ever had. */
export function tagIndexLink(repository: string, tag: string, digest: Digest): string {
	return `${registryRoot}/${stock.tagIndexLink(repository, tag, digest)}`;
}

/**
 * The repository of an image in the embedded registry: domain and path. A repository name has no place for the colon
 * of a port or for capitals, so `localhost:5000/x` is `localhost_5000/x` (no domain has an underscore of its own).
 */
export function embeddedRepository(reference: ImageReference): string {
	const domain = reference.domain
		.toLowerCase()
		.replace(/[^a-z0-9.-]+/g, '_')
		.replace(/^_+|_+$/g, '');
	return domain === reference.domain ? repositoryOf(reference) : `${domain}/${reference.path}`;
}

/** The name without the domain, as sealos stores images: `pause`, `library/redis`. */
export function plainRepository(reference: ImageReference): string {
	return reference.path;
}
