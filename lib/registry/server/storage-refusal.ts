import {isSealError, type SealError} from '../../core/errors.js';
import {uploadRange} from './range.js';
import {type Refusal, refuse} from './refusal.js';

/**
 * What the storage could not do, in the terms of the protocol; undefined for what only the operator can mend.
 * @param isRead whether content came from us: then a wrong digest is our damage, else the client's mistake
 */
export function refusalOf(error: unknown, isRead: boolean): Refusal | undefined {
	return isSealError(error) ? (byCode[error.code] ?? (isRead ? undefined : ofContent[error.code]))?.(error) : undefined;
}

/** The sentence for a failure that is the server's own. Paths of the server stay in its log. */
export function failureOf(error: unknown): Refusal {
	const isFull = isSealError(error) && error.code === 'ERR_NO_SPACE';
	return isFull ? refuse('UNAVAILABLE', 'The disk of the registry is full', {status: 507}) : refuse('UNKNOWN');
}

const byCode: Readonly<Record<string, (error: SealError) => Refusal>> = {
	ERR_UPLOAD_UNKNOWN: () => refuse('BLOB_UPLOAD_UNKNOWN'),
	ERR_UPLOAD_OFFSET: error =>
		refuse('BLOB_UPLOAD_INVALID', 'The chunk does not begin where the upload ends', {
			status: 416,
			headers: {range: uploadRange(sizeOf(error))},
		}),
	// The other request may be one that the client has given up: it ends soon, and the same can be tried again.
	ERR_UPLOAD_BUSY: () =>
		refuse('UNAVAILABLE', 'Another request is writing to this upload', {headers: {'retry-after': '1'}}),
	ERR_STORE_LOCKED: () =>
		refuse('UNAVAILABLE', 'Another program is writing to this registry', {headers: {'retry-after': '5'}}),
	ERR_REFERENCE_INVALID: () => refuse('NAME_INVALID', 'A repository of this name cannot be kept here'),
};

const ofContent: typeof byCode = {
	ERR_CONTENT_DIGEST: () => refuse('DIGEST_INVALID', 'The content does not have this digest'),
	ERR_CONTENT_SIZE: () => refuse('SIZE_INVALID'),
	ERR_MANIFEST_INVALID: error => refuse('MANIFEST_INVALID', error.message),
};

function sizeOf(error: SealError): number {
	const {sizeBytes} = error.details;
	return typeof sizeBytes === 'number' ? sizeBytes : 0;
}
