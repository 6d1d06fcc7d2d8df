import {SealError} from '../../../core/errors.js';
import type {Digest} from '../../../oci/digest.js';

export function unknownUpload(id: string): SealError {
	return new SealError('ERR_UPLOAD_UNKNOWN', `There is no upload ${shown(id)} here`, {
		hint: 'Begin the upload again.',
	});
}

export function uploadBusy(id: string): SealError {
	return new SealError('ERR_UPLOAD_BUSY', `Another request is writing to the upload ${shown(id)}`, {
		hint: 'Ask for the state of the upload, then go on from there.',
	});
}

export function wrongOffset(id: string, offset: number, sizeBytes: number): SealError {
	return new SealError(
		'ERR_UPLOAD_OFFSET',
		`The upload ${shown(id)} has ${sizeBytes} bytes, the chunk begins at ${offset}`,
		{
			hint: `Go on at byte ${sizeBytes}.`,
			details: {sizeBytes, offset},
		},
	);
}

export function wrongDigest(expected: Digest, found: Digest): SealError {
	return new SealError('ERR_CONTENT_DIGEST', `What was uploaded is not ${expected}: it is ${found}`, {
		hint: 'Upload the content again.',
		details: {expected, found},
	});
}

/** An id comes from a URL and may be anything. */
function shown(id: string): string {
	return JSON.stringify(id.slice(0, 64));
}
