import {realpath} from 'node:fs/promises';
import {hasCode, SealError} from '../../core/errors.js';
import {emit, type SealEvent} from '../../core/events.js';
import {ContentError} from '../../oci/content-error.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {imageFacts} from '../../oci/image.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {formatPlatform, type Platform} from '../../oci/platform.js';
import {normalizeReference, parseReference, repositoryOf} from '../../oci/reference.js';
import {digestInReference} from '../../oci/store/names.js';
import {createTally, type Tally} from '../../oci/tally.js';
import {type OpenPlace, openPlace, type PlaceOptions, pathOf} from './open.js';
import {formatPlace, type Place} from './parse.js';
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

/** The folder of a registry keeps images by name only: without one the source gives it. @throws SealError ERR_PLACE_INVALID */
function named(place: Place, from: Place): Place {
	if (place.kind !== 'registry-dir' || place.reference !== undefined) return place;
	const name = from.reference ?? '';
	const isWhole = from.kind === 'docker' || (from.kind === 'store' ? !isShortDigest(name) : /[/:]/.test(name));
	if (isWhole && isName(name)) return {...place, reference: name};
	throw new SealError('ERR_PLACE_INVALID', `${formatPlace(place)} needs a name: the source gives none`, {
		hint: `Write it as ${formatPlace({...place, reference: 'app:1.0'})}.`,
	});
}

function isShortDigest(text: string): boolean {
	return /^(?:sha(?:256|512):)?[0-9a-f]{6,128}$/.test(text);
}

/** @throws SealError ERR_SAME_PLACE */
async function checkDifferent(from: Place, to: Place, options: PlaceOptions): Promise<void> {
	if ((await identityOf(from, options)) !== (await identityOf(to, options))) return;
	throw new SealError('ERR_SAME_PLACE', `${formatPlace(from)} is the source and the target`, {
		hint: 'Name another target.',
	});
}

/** What tells one place from another. Of an archive it is the file: it is written as a whole. */
async function identityOf(place: Place, options: PlaceOptions): Promise<string> {
	switch (place.kind) {
		case 'store':
			return `store ${isName(place.reference) ? normalizeReference(place.reference) : place.reference}`;
		case 'docker':
			return `docker ${place.reference}`;
		default: {
			const path = pathOf(place, options);
			const real = await realpath(path).catch(() => path);
			const isArchive = place.kind === 'oci-archive' || place.kind === 'docker-archive';
			return isArchive ? `file ${real}` : `${place.kind} ${real} ${place.reference ?? ''}`;
		}
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

function isName(reference: string): boolean {
	return !isDigest(reference) && !/^[0-9a-f]{64}$/.test(reference);
}

/** A target with a digest takes nothing else. */
function checkWanted(place: Place, root: Descriptor): void {
	const digest = place.reference === undefined ? undefined : digestInReference(place.reference);
	if (digest === undefined || digest === root.digest) return;
	throw new SealError('ERR_CONTENT_DIGEST', `${formatPlace(place)} asks for another image than ${root.digest}`, {
		hint: 'Leave out the digest of the target, or choose the image that has it.',
	});
}

/** Two failures come from parts of indexes, and have a way out that only we know. */
async function explained<R>(
	source: OpenPlace,
	root: Descriptor,
	target: OpenTarget,
	work: () => Promise<R>,
): Promise<R> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof ContentError) || !isIndexType(root.mediaType)) throw error;
		const {descriptor, side} = error;
		const mediaType = descriptor?.mediaType ?? '';
		if (side === 'source' && hasCode(error, 'ERR_CONTENT_MISSING') && isDocumentType(mediaType)) {
			throw await partialSource(source, root, error);
		}
		const isRefused = target.place.kind === 'docker' && [400, 404].includes(Number(error.details.status));
		if (side === 'sink' && isRefused && isIndexType(mediaType)) throw partialTarget(error);
		throw error;
	}
}

function isDocumentType(mediaType: string): boolean {
	return isIndexType(mediaType) || isManifestType(mediaType);
}

async function partialSource(source: OpenPlace, root: Descriptor, error: ContentError): Promise<SealError> {
	const {platforms} = await imageFacts(source.content, root);
	const held = platforms.map(formatPlatform);
	return new SealError(
		'ERR_CONTENT_MISSING',
		`${formatPlace(source.place)} holds only a part of its image: ${held.join(', ') || 'the index alone'}`,
		{
			hint: `Copy that part with --platform${held[0] === undefined ? '' : ` ${held[0]}`}, or fetch the whole image first.`,
			details: {...error.details, platforms: held},
			cause: error,
		},
	);
}

function partialTarget(error: ContentError): SealError {
	return new ContentError(error.code, error.message, {
		side: error.side,
		descriptor: error.descriptor,
		hint: 'Some registries take whole indexes only: copy all of it, or take the image out of its index with --no-keep-index.',
		details: error.details,
		cause: error.cause,
	});
}
