import {hasCode, SealError} from '../../core/errors.js';
import {ContentError} from '../../oci/content-error.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {imageFacts} from '../../oci/image.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {formatPlatform} from '../../oci/platform.js';
import type {OpenPlace} from './options.js';
import {formatPlace} from './parse.js';
import type {OpenTarget} from './target.js';

/** Runs one copy. Two of its failures come from parts of indexes, and have a way out that only we know. */
export async function explained<R>(
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
