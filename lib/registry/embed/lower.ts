import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {ImageSource} from '../../oci/content.js';
import type {Digest} from '../../oci/digest.js';
import type {TreeFiles} from '../../oci/tree-files.js';

/** The embedded registry of lower layers, as far as planning needs it. */
export interface LowerRegistry {
	/** True when a file is at this path of the image (see layout.ts). */
	has(path: string): boolean;
	/** What `repository:tag` points at, or undefined. */
	tag(repository: string, tag: string): Digest | undefined;
}

/** Nothing below: the image starts from scratch. */
export const emptyRegistry: LowerRegistry = {has: () => false, tag: () => undefined};

/** The embedded registry inside an image: a source of images, and what planning builds upon. */
export interface EmbeddedRegistry extends LowerRegistry, ImageSource {
	/** Repositories with their tags, sorted. */
	readonly repositories: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads the embedded registry of a tree. `resolve` finds names with their registry, and in images that sealos made
 * without it; what is incomplete is ERR_IMAGE_UNKNOWN.
 */
export async function openEmbedded(_files: TreeFiles, _options: Abortable = {}): Promise<EmbeddedRegistry> {
	throw new SealError('ERR_INTERNAL', 'Embedded registries cannot be read yet');
}
