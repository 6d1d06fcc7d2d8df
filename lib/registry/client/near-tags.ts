import {editDistance} from '../../core/closest.js';
import {isSealError, SealError} from '../../core/errors.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {resolveAt} from './read.js';
import {listTags} from './tags.js';
import type {Place, Wire} from './wire.js';

/** Of a repository with more tags only so many are looked at. */
const maxTags = 10_000;
/** Nobody waits longer to be told what else there is. */
const patienceMs = 5000;

/**
 * As `resolveAt`, for people: when there is no such tag, the error names those that may have been meant.
 * @throws SealError ERR_IMAGE_UNKNOWN with `details.near`; RegistryError
 */
export async function resolveNear(
	wire: Wire,
	place: Place,
	wanted: string,
	options: OperationOptions,
): Promise<Descriptor> {
	try {
		return await resolveAt(wire, place, wanted, options);
	} catch (error) {
		if (isDigest(wanted) || !isSealError(error) || error.code !== 'ERR_IMAGE_UNKNOWN') throw error;
		const near = await findNear(wire, place, wanted, options);
		if (near.length === 0) throw error;
		throw new SealError('ERR_IMAGE_UNKNOWN', error.message, {
			hint: `Use a tag that exists: ${listOf(near)}.`,
			details: {...error.details, near},
		});
	}
}

/** Nothing where the registry does not let us see its tags: this only helps to explain an error. */
async function findNear(wire: Wire, place: Place, wanted: string, {signal}: Abortable): Promise<readonly string[]> {
	const patience = AbortSignal.timeout(patienceMs);
	const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
	try {
		const tags = await listTags({...wire, retry: {attempts: 1}}, place, {limit: maxTags, signal: either});
		return nearTags(wanted, tags);
	} catch {
		signal?.throwIfAborted();
		return [];
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

/** "a, b or c". */
function listOf(words: readonly string[]): string {
	return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
