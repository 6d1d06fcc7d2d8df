import {realpath} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {normalizeReference} from '../../oci/reference.js';
import {digestInReference} from '../../oci/store/names.js';
import {type PlaceOptions, pathOf} from './options.js';
import {formatPlace, type Place} from './parse.js';

/** The folder of a registry keeps images by name only: without one the source gives it. @throws SealError ERR_PLACE_INVALID */
export function named(place: Place, from: Place): Place {
	if (place.kind !== 'registry-dir' || place.reference !== undefined) return place;
	const name = from.reference ?? '';
	const isWhole = from.kind === 'docker' || (from.kind === 'store' ? !isShortDigest(name) : /[/:]/.test(name));
	if (isWhole && isName(name)) return {...place, reference: name};
	throw new SealError('ERR_PLACE_INVALID', `${formatPlace(place)} needs a name: the source gives none`, {
		hint: `Write it as ${formatPlace({...place, reference: 'app:1.0'})}.`,
	});
}

/** A copy onto itself is a slip. @throws SealError ERR_SAME_PLACE */
export async function checkDifferent(from: Place, to: Place, options: PlaceOptions): Promise<void> {
	if ((await identityOf(from, options)) !== (await identityOf(to, options))) return;
	throw new SealError('ERR_SAME_PLACE', `${formatPlace(from)} is the source and the target`, {
		hint: 'Name another target.',
	});
}

/** A target with a digest takes nothing else. @throws SealError ERR_CONTENT_DIGEST */
export function checkWanted(place: Place, root: Descriptor): void {
	const digest = place.reference === undefined ? undefined : digestInReference(place.reference);
	if (digest === undefined || digest === root.digest) return;
	throw new SealError('ERR_CONTENT_DIGEST', `${formatPlace(place)} asks for another image than ${root.digest}`, {
		hint: 'Leave out the digest of the target, or choose the image that has it.',
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

function isShortDigest(text: string): boolean {
	return /^(?:sha(?:256|512):)?[0-9a-f]{6,128}$/.test(text);
}

function isName(reference: string): boolean {
	return !isDigest(reference) && !/^[0-9a-f]{64}$/.test(reference);
}
