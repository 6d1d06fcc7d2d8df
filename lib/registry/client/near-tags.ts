import {editDistance} from '../../core/closest.js';
import type {Abortable} from '../../core/events.js';
import {listTags} from './tags.js';
import type {Place, Wire} from './wire.js';

/** Of a repository with more tags only so many are looked at. */
const maxTags = 10_000;
/** Nobody waits longer to be told what else there is. */
const patienceMs = 5000;

/**
 * Tags of a repository that may have been meant by `wanted`, best first. Empty when none is near; undefined when the
 * registry does not let us see them, which is no error: this only helps to explain one.
 */
export async function findNearTags(
	wire: Wire,
	place: Place,
	wanted: string,
	{signal}: Abortable,
): Promise<readonly string[] | undefined> {
	const patience = AbortSignal.timeout(patienceMs);
	const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
	try {
		const tags = await listTags({...wire, retry: {attempts: 1}}, place, {limit: maxTags, signal: either});
		return nearTags(wanted, tags);
	} catch {
		signal?.throwIfAborted();
		return undefined;
	}
}

const most = 5;

/** Those that begin like the version wanted, the nearest first, and those a typing mistake away. All of a few. */
export function nearTags(wanted: string, tags: readonly string[]): readonly string[] {
	const others = tags.filter(tag => tag !== wanted);
	const parts = componentsOf(wanted);
	const limit = wanted.length < 5 ? 1 : 2;
	const candidates = others
		.map(tag => ({
			tag,
			shared: sharedLength(parts, componentsOf(tag)),
			distance: editDistance(wanted.toLowerCase(), tag.toLowerCase()),
		}))
		.filter(({shared, distance}) => shared > 0 || distance <= limit);
	if (candidates.length === 0) return others.length <= most ? others : [];
	return candidates
		.toSorted((a, b) => b.shared - a.shared || a.distance - b.distance || (a.tag < b.tag ? -1 : 1))
		.slice(0, most)
		.map(({tag}) => tag);
}

/** `v1.27-alpine` is 1, 27, alpine. */
function componentsOf(tag: string): readonly string[] {
	return tag
		.toLowerCase()
		.replace(/^v(?=\d)/, '')
		.split(/[._-]/);
}

function sharedLength(a: readonly string[], b: readonly string[]): number {
	const differs = a.findIndex((part, i) => part !== b[i]);
	return differs === -1 ? a.length : differs;
}
