import {digestOf, hexOf} from '../../oci/digest.js';
import type {Blob} from './content.js';

/** What is divided: a distinct image, its repository, and the blobs that are not there yet. */
export interface Divisible {
	readonly id: string;
	readonly repository: string;
	readonly blobs: readonly Blob[];
}

/** A layer to be: blobs, and the images whose link files it holds (none for a layer of shared blobs). */
export interface Part {
	readonly members: readonly string[];
	/** The images that use the blobs. */
	readonly users: readonly string[];
	readonly blobs: readonly Blob[];
}

/**
 * Blobs that one image uses go to its own part, shared ones to a part per distinct set of users. When that makes more
 * than `maxParts`, images are bundled by a hash of their repository first: where an image goes then depends on its own
 * name only, so that a change elsewhere does not move it. Parts of shared blobs come first.
 */
export function divide(images: readonly Divisible[], maxParts: number): readonly Part[] {
	const each = group(images, image => image.id, Number.POSITIVE_INFINITY);
	if (each.length <= maxParts) return each;
	const places = Math.max(1, Math.floor(maxParts / 2));
	return group(images, image => `bundle ${bucket(image.repository, places)}`, Math.max(1, maxParts - places));
}

function group(images: readonly Divisible[], groupOf: (image: Divisible) => string, maxShared: number): Part[] {
	const members = new Map<string, string[]>();
	const uses = new Map<string, {blob: Blob; groups: Set<string>; users: Set<string>}>();
	for (const image of images) {
		const name = groupOf(image);
		append(members, name, image.id);
		for (const blob of image.blobs) {
			const use = uses.get(blob.digest) ?? {blob, groups: new Set(), users: new Set()};
			uses.set(blob.digest, use);
			use.groups.add(name);
			use.users.add(image.id);
		}
	}
	const own = new Map<string, Blob[]>();
	const shared = new Map<string, {users: Set<string>; blobs: Blob[]}>();
	const sets = new Set<string>();
	const keyed = [...uses.values()].map(use => ({...use, key: [...use.groups].sort().join('\n')}));
	for (const use of keyed) if (use.groups.size > 1) sets.add(use.key);
	for (const {key, groups, users, blob} of keyed) {
		if (groups.size === 1) {
			append(own, key, blob);
			continue;
		}
		const place = sets.size <= maxShared ? key : `shared ${bucket(key, maxShared)}`;
		const part = shared.get(place) ?? {users: new Set(), blobs: []};
		shared.set(place, part);
		part.blobs.push(blob);
		for (const user of users) part.users.add(user);
	}
	return [
		...inOrder(shared).map(([, part]) => ({members: [], users: [...part.users].sort(), blobs: sorted(part.blobs)})),
		...[...members].map(([name, ids]) => ({members: ids, users: ids, blobs: sorted(own.get(name) ?? [])})),
	];
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
	const list = map.get(key);
	if (list === undefined) map.set(key, [item]);
	else list.push(item);
}

function inOrder<T>(map: ReadonlyMap<string, T>): Array<[string, T]> {
	return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function sorted(blobs: readonly Blob[]): readonly Blob[] {
	return blobs.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

function bucket(text: string, count: number): number {
	return Number.parseInt(hexOf(digestOf(text)).slice(0, 8), 16) % count;
}
