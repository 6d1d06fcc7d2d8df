import {SealError} from '../core/errors.js';
import type {OperationOptions} from '../core/events.js';
import type {Descriptor} from '../oci/descriptor.js';
import type {Platform} from '../oci/platform.js';
import type {Store} from '../oci/store.js';

export interface MergeOptions extends OperationOptions {
	/** Name of the result. Without it the result is stored but not named. */
	readonly as?: string | undefined;
	/** Default: the platforms that every image has. */
	readonly platforms?: readonly Platform[] | undefined;
	/** What to do where images differ in a file, label or variable: refuse (default), or take the first or last image. */
	readonly onConflict?: 'error' | 'first' | 'last' | undefined;
	/** The `created` time of the result (default: the newest of its parts). */
	readonly created?: string | undefined;
	/** Whole seconds since the epoch for entries that merge writes (default 0). */
	readonly mtime?: number | undefined;
}

export interface MergeConflict {
	readonly kind: 'file' | 'label' | 'env' | 'setting';
	/** Path, label or variable. */
	readonly name: string;
	/** The images that differ, in order. */
	readonly images: readonly string[];
}

export interface MergedImage {
	readonly descriptor: Descriptor;
	readonly platforms: readonly Platform[];
	/** Conflicts that `onConflict` settled. */
	readonly conflicts: readonly MergeConflict[];
}

/**
 * Composes images into one that has the content of all.
 * @throws SealError ERR_MERGE_CONFLICT listing every conflict, ERR_PLATFORM, ERR_IMAGE_UNKNOWN
 */
export async function mergeImages(
	_store: Store,
	_references: readonly string[],
	_options: MergeOptions = {},
): Promise<MergedImage> {
	throw new SealError('ERR_INTERNAL', 'Images cannot be merged yet');
}
