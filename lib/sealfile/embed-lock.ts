import {SealError} from '../core/errors.js';
import type {Digest} from '../oci/digest.js';
import type {Platform} from '../oci/platform.js';
import type {ResolvedImage} from './resolve-images.js';

/** Where a cluster image keeps the list of what it embeds. */
export const lockPath = 'images/lock.json';

export interface LockedDocument {
	readonly mediaType: string;
	readonly digest: Digest;
	readonly size: number;
}

export interface LockedImage extends LockedDocument {
	/** Normalised. */
	readonly reference: string;
	/** The manifest per platform, keyed by `os/architecture[/variant]`. */
	readonly platforms: Readonly<Record<string, LockedDocument>>;
	/** `path:line`, sorted. */
	readonly foundIn: readonly string[];
	/** Where it was taken from: `store`, `registry`, `docker-archive:images/x.tar`. Information only. */
	readonly source: string;
}

/** images/lock.json: every embedded image with its digests. */
export interface EmbedLock {
	readonly schemaVersion: 1;
	/** Sorted by reference. */
	readonly images: readonly LockedImage[];
}

/** The lock of what was resolved for one or several platforms. */
export function createLock(_resolved: readonly {platform: Platform; images: readonly ResolvedImage[]}[]): EmbedLock {
	throw new SealError('ERR_INTERNAL', 'Locks cannot be made yet');
}

/** Stable bytes: two spaces, keys in a fixed order, a newline at the end. */
export function formatLock(_lock: EmbedLock): Buffer {
	throw new SealError('ERR_INTERNAL', 'Locks cannot be written yet');
}

/** @throws SealError ERR_LOCK_INVALID naming the field */
export function parseLock(_bytes: Uint8Array, _name: string): EmbedLock {
	throw new SealError('ERR_INTERNAL', 'Locks cannot be read yet');
}

/** Images of the lock that nothing refers to any more. */
export function unusedLocks(_lock: EmbedLock, _names: Iterable<string>): readonly LockedImage[] {
	throw new SealError('ERR_INTERNAL', 'Locks cannot be read yet');
}
