import {emit, type SealEvent} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Platform} from '../../oci/platform.js';
import {parseReference, repositoryOf} from '../../oci/reference.js';
import {createTally, type Tally} from '../../oci/tally.js';
import {checkDifferent, checkWanted, named} from './copy-checks.js';
import {explained} from './copy-failure.js';
import {openPlace} from './open.js';
import type {OpenPlace, PlaceOptions} from './options.js';
import type {Place} from './parse.js';
import {type OpenTarget, openTarget} from './target.js';

export interface CopyImageOptions extends PlaceOptions {
	/** Bring the image for this platform only out of an index; default is all of it. */
	readonly platform?: Platform | undefined;
	/** With `platform`: keep the index, and with it the digest, although only one image comes along. Default true. */
	readonly keepIndex?: boolean | undefined;
	/** Blobs in flight. */
	readonly concurrency?: number | undefined;
	/** As in `CopyOptions`. */
	readonly recheck?: boolean | undefined;
}

export interface CopiedImage {
	/** What the name in the target points to now. */
	readonly descriptor: Descriptor;
	/** Where it is now: the targets as they were given, with the names that were filled in. */
	readonly targets: readonly Place[];
	readonly tally: Tally;
}

/**
 * Copies an image from any place to any other, and to several at once one after another. What a target has is not moved
 * again. All places are opened before the first byte moves.
 * @throws SealError ERR_SAME_PLACE, ERR_IMAGE_UNKNOWN, ERR_PLATFORM, and as `copy`, `openPlace` and `openTarget`
 */
export async function copyImage(
	from: Place,
	to: Place | readonly Place[],
	options: CopyImageOptions = {},
): Promise<CopiedImage> {
	const places = ('kind' in to ? [to] : to).map(place => named(place, from));
	if (places.length === 0) throw new TypeError('A copy needs a target');
	for (const place of places) await checkDifferent(from, place, options);
	const counter = createTally();
	const onEvent = (event: SealEvent): void => {
		counter.onEvent(event);
		emit(options, event);
	};
	const {signal, platform, concurrency, recheck, keepIndex = true} = options;
	const source = await openPlace(from, options);
	const targets: OpenTarget[] = [];
	try {
		const root = await source.resolve();
		if (platform === undefined || keepIndex) for (const place of places) checkWanted(place, root);
		for (const place of places) targets.push(await openTarget(place, options));
		let descriptor = root;
		for (const target of targets) {
			const mountFrom = await hintsFor(target.place, source, root, places);
			const transfer = {platform, keepIndex, concurrency, recheck, mountFrom, signal, onEvent};
			descriptor = await explained(source, root, target, () => target.write(source.content, root, transfer));
		}
		return {descriptor, targets: places, tally: counter.total()};
	} finally {
		for (const opened of [...targets, source]) await opened.close();
	}
}

const maxHints = 3;

/** Repositories of the target's registry that may hold the content: other targets, and where the image has another name. */
async function hintsFor(
	target: Place,
	source: OpenPlace,
	root: Descriptor,
	targets: readonly Place[],
): Promise<readonly string[]> {
	if (target.kind !== 'docker') return [];
	const own = parseReference(target.reference);
	const before = targets
		.slice(0, targets.indexOf(target))
		.flatMap(place => (place.kind === 'docker' ? [place.reference] : []));
	const held = source.place.kind === 'store' ? ((await source.images?.()) ?? []) : [];
	const names = held.find(({descriptor}) => descriptor.digest === root.digest)?.names ?? [];
	const repositories = [...before, ...names]
		.map(parseReference)
		.filter(({domain, path}) => domain === own.domain && path !== own.path)
		.map(repositoryOf);
	return [...new Set(repositories)].slice(0, maxHints);
}
