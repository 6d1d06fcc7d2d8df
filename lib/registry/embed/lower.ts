import type {Digest} from '../../oci/digest.js';

/** The embedded registry of lower layers, as far as planning needs it. */
export interface LowerRegistry {
	/** True when a file is at this path of the image (see layout.ts). */
	has(path: string): boolean;
	/** What `repository:tag` points at, or undefined. */
	tag(repository: string, tag: string): Digest | undefined;
}

/** Nothing below: the image starts from scratch. */
export const emptyRegistry: LowerRegistry = {has: () => false, tag: () => undefined};
