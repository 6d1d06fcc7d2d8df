import type {ImageSource} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {withoutName} from '../store/layout.js';
import {digestInReference, findByName, unknownImage} from '../store/names.js';

/** An image in an archive or folder from outside. */
export interface ArchivedImage {
	/** As they are written there, which may be a tag only (`v7`); empty when the archive gives no name. */
	readonly names: readonly string[];
	readonly descriptor: Descriptor;
}

/** A file or folder that holds images, opened for reading. */
export interface ImageArchive extends ImageSource {
	/** What it holds, in its own order. */
	images(): Promise<readonly ArchivedImage[]>;
	/** Closes the file and removes what was made to read it. */
	close(): Promise<void>;
}

/** The entries of an index by digest. */
export function groupImages(
	entries: readonly Descriptor[],
	namesOf: (entry: Descriptor) => readonly string[],
): readonly ArchivedImage[] {
	const groups = new Map<string, {descriptor: Descriptor; names: Set<string>}>();
	for (const entry of entries) {
		const group = groups.get(entry.digest) ?? {descriptor: withoutName(entry), names: new Set()};
		const [first] = namesOf(entry);
		if (first !== undefined) group.names.add(first);
		groups.set(entry.digest, group);
	}
	return [...groups.values()].map(({descriptor, names}) => ({descriptor, names: [...names]}));
}

/**
 * Resolves in the entries of an archive: by name, by digest, and the empty reference when there is one image only.
 * @throws SealError ERR_IMAGE_UNKNOWN
 */
export function resolveEntry(entries: readonly Descriptor[], reference: string, where: string): Descriptor {
	const digests = new Set(entries.map(entry => entry.digest));
	if (reference === '' && digests.size === 1 && entries[0] !== undefined) return withoutName(entries[0]);
	const digest = reference === '' ? undefined : digestInReference(reference);
	const found = digest === undefined ? findByName(entries, reference) : entries.find(entry => entry.digest === digest);
	if (found === undefined) throw unknownImage(reference, where, entries);
	return withoutName(found);
}
