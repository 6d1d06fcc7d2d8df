import {SealError} from '../../core/errors.js';
import type {Descriptor} from '../descriptor.js';
import {isDigest} from '../digest.js';
import {normalizeReference, parseReference, shortReference} from '../reference.js';
import {imageNameAnnotation, namesOf, refNameAnnotation, withoutName} from './layout.js';

/** Finds the entry of a name: as it is written, or as docker would write it. */
export function findByName(entries: readonly Descriptor[], reference: string): Descriptor | undefined {
	const exact = entries.find(entry => namesOf(entry).includes(reference));
	if (exact !== undefined) return exact;
	const normal = tryNormalize(reference);
	return normal === undefined ? undefined : entries.find(entry => namesOf(entry).some(name => isNamed(name, normal)));
}

/** Most names are told apart by their last component: only the rest is worth reading as a reference. */
function isNamed(name: string, normal: string): boolean {
	if (name === normal) return true;
	const last = normal.slice(normal.lastIndexOf('/') + 1);
	return (name.endsWith(last) || `${name}:latest`.endsWith(last)) && tryNormalize(name) === normal;
}

/** The digest that `name@sha256:...` or `sha256:...` asks for. */
export function digestInReference(reference: string): Descriptor['digest'] | undefined {
	if (isDigest(reference)) return reference;
	const at = reference.lastIndexOf('@');
	const digest = reference.slice(at + 1);
	if (at === -1 || !isDigest(digest)) return undefined;
	parseReference(reference);
	return digest;
}

/** The entries whose digest begins with `prefix` (hex, with or without the algorithm), one per digest. */
export function findByPrefix(entries: readonly Descriptor[], prefix: string): readonly Descriptor[] {
	const hex = /^(?:sha(?:256|512):)?([0-9a-f]{6,128})$/.exec(prefix)?.[1];
	if (hex === undefined) return [];
	const found = entries.filter(({digest}) => digest.startsWith(prefix) || digest.slice(7).startsWith(hex));
	return [...new Map(found.map(entry => [entry.digest, entry])).values()];
}

/** The entries with `name` moved to `descriptor`. An entry without a name for it is dropped: it is named now. */
export function withName(entries: readonly Descriptor[], name: string, descriptor: Descriptor): readonly Descriptor[] {
	const bare = withoutName(descriptor);
	const named: Descriptor = {
		...bare,
		annotations: {...bare.annotations, [refNameAnnotation]: name, [imageNameAnnotation]: name},
	};
	const kept = withoutEntry(entries, name).filter(
		entry => entry.digest !== descriptor.digest || namesOf(entry).length > 0,
	);
	return [...kept, named];
}

/** The entries with `descriptor` among them, without a name when it has none yet. */
export function withUnnamed(entries: readonly Descriptor[], descriptor: Descriptor): readonly Descriptor[] {
	return entries.some(entry => entry.digest === descriptor.digest) ? entries : [...entries, withoutName(descriptor)];
}

/** The entries without those that `findByName` gives for `name`. */
export function withoutEntry(entries: readonly Descriptor[], name: string): readonly Descriptor[] {
	let kept = entries;
	for (let found = findByName(kept, name); found !== undefined; found = findByName(kept, name)) {
		const gone = found;
		kept = kept.filter(entry => entry !== gone);
	}
	return kept;
}

export function unknownImage(reference: string, where: string, entries: readonly Descriptor[]): SealError {
	const names = entries.flatMap(namesOf).map(shortReference);
	const near = names.find(name => withoutTag(name) === withoutTag(shortReference(reference)));
	return new SealError('ERR_IMAGE_UNKNOWN', `No image "${reference}" in ${where}`, {
		hint: near === undefined ? 'Check the name, or see the list of images.' : `Use ${near}, or see the list of images.`,
		details: {reference},
	});
}

/** A colon before the last slash belongs to a port. */
function withoutTag(name: string): string {
	return name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

export function ambiguousPrefix(prefix: string, where: string, found: readonly Descriptor[]): SealError {
	const digests = found.map(entry => entry.digest);
	return new SealError('ERR_IMAGE_UNKNOWN', `"${prefix}" begins the digests of ${found.length} images in ${where}`, {
		hint: `Write more digits: ${digests.slice(0, 3).join(', ')}.`,
		details: {digests},
	});
}

function tryNormalize(name: string): string | undefined {
	try {
		return normalizeReference(name);
	} catch {
		return undefined;
	}
}
