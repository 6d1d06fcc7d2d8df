/** Attributes that belong to one machine or one file system driver and would be wrong anywhere else. */
const foreign = /^(?:security\.selinux$|system\.nfs4_acl$|(?:user|trusted)\.overlay\.)/;

/**
 * Whether an extended attribute may travel in an image. Layers are written without the others, unpacking should skip
 * them.
 */
export function isPortableXattr(name: string): boolean {
	return !foreign.test(name);
}

/** The attributes of an entry that may travel; undefined when there are none. */
export function portableXattrs(
	xattrs: Readonly<Record<string, Uint8Array>> | undefined,
): Readonly<Record<string, Uint8Array>> | undefined {
	if (xattrs === undefined) return undefined;
	const kept = Object.entries(xattrs).filter(([name]) => isPortableXattr(name));
	return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
