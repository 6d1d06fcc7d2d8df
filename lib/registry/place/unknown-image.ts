import {SealError} from '../../core/errors.js';
import type {ArchivedImage} from '../../oci/archive/archive.js';
import {shortReference} from '../../oci/reference.js';
import {type FilePlace, formatPlace} from './parse.js';

/** An image that the store lacks may be in its registry, which people forget to say. */
export function elsewhere(error: unknown, reference: string): unknown {
	if (!(error instanceof SealError) || error.code !== 'ERR_IMAGE_UNKNOWN' || /^[0-9a-f:]*$/.test(reference))
		return error;
	const {message, hint = 'Check the name.', details, cause} = error;
	return new SealError('ERR_IMAGE_UNKNOWN', message, {
		hint: hint.replace(/\.$/, `, or write docker://${reference} for the image in its registry.`),
		details,
		cause,
	});
}

const maxListed = 20;

/** The refusal of a name with what the file holds instead. */
export async function listed(
	error: unknown,
	place: FilePlace,
	path: string,
	images: () => Promise<readonly ArchivedImage[]>,
): Promise<unknown> {
	if (!(error instanceof SealError) || error.code !== 'ERR_IMAGE_UNKNOWN') return error;
	const held = await images();
	const names = held.map(({names: [first], descriptor}) =>
		first === undefined ? descriptor.digest : shortReference(first),
	);
	// People paste hints into a shell, and the names come from outside.
	const plain = names.find(name => /^[\w./:@-]+$/.test(name));
	const example = plain === undefined ? '' : `, for example ${formatPlace({...place, reference: plain})}`;
	const message =
		held.length === 0
			? `${path} holds no image`
			: place.reference === undefined
				? `${path} holds ${held.length} images, and none is chosen`
				: `${path} holds no image "${place.reference}"`;
	return new SealError('ERR_IMAGE_UNKNOWN', message, {
		hint: held.length === 0 ? 'Check the path.' : `Name one that is there${example}.`,
		details: {images: names.slice(0, maxListed)},
		cause: error.cause,
	});
}
