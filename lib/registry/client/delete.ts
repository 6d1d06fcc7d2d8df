import {hasCode, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import {resolveNear} from './near-tags.js';
import type {Place, Wire} from './wire.js';

/**
 * Removes a tag and nothing else, or a manifest with all its tags (by digest).
 * @throws SealError ERR_IMAGE_UNKNOWN; RegistryError ERR_REGISTRY_UNSUPPORTED when the registry does not delete,
 * ERR_REGISTRY_UNAUTHORIZED
 */
export async function deleteManifest(
	wire: Wire,
	place: Place,
	tagOrDigest: string,
	options: OperationOptions = {},
): Promise<void> {
	const path = `/v2/${place.repository}/manifests/${tagOrDigest}`;
	const name = `${place.host}/${place.repository}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
	if (await remove(wire, place, path, isDigest(tagOrDigest) ? 'manifests' : 'tags', options)) return;
	throw new SealError('ERR_IMAGE_UNKNOWN', `${place.host} has no image ${name}`, {
		hint: 'Check the name and the tag: it may be gone already.',
		details: {reference: name},
	});
}

/**
 * Takes a blob out of a repository.
 * @throws SealError ERR_CONTENT_MISSING; RegistryError as `deleteManifest`
 */
export async function deleteBlob(
	wire: Wire,
	place: Place,
	digest: Digest,
	options: OperationOptions = {},
): Promise<void> {
	if (await remove(wire, place, `/v2/${place.repository}/blobs/${digest}`, 'blobs', options)) return;
	throw new SealError('ERR_CONTENT_MISSING', `${digest} is not in ${place.host}/${place.repository}`, {
		details: {digest},
	});
}

/** False when there is nothing to remove. */
async function remove(
	wire: Wire,
	place: Place,
	path: string,
	what: 'tags' | 'manifests' | 'blobs',
	options: OperationOptions,
): Promise<boolean> {
	let attempts = 0;
	const send = async (): Promise<HttpResponse> => {
		attempts++;
		return await wire.transport.send({...place, method: 'DELETE', path}, options);
	};
	try {
		const response = await withRetry(path, wire.retry ?? {}, options, send);
		await response.discard();
		// An attempt whose answer was lost may have done it.
		return response.status !== 404 || attempts > 1;
	} catch (error) {
		if (!(error instanceof RegistryError) || !isRefusal(error, what)) throw error;
		if (what === 'tags' && error.status === 400) throw await undividable(wire, place, path, error, options);
		throw unsupported(place, what, error);
	}
}

/** A registry that knows deletion by digest only takes a tag for a malformed digest: 400. */
function isRefusal(error: RegistryError, what: string): boolean {
	return error.status === 405 || error.status === 501 || (error.status === 400 && what === 'tags');
}

/** Older registries delete a tag only together with its manifest, which may have others. */
async function undividable(
	wire: Wire,
	place: Place,
	path: string,
	cause: RegistryError,
	options: OperationOptions,
): Promise<RegistryError> {
	const tag = path.slice(path.lastIndexOf('/') + 1);
	const found = await resolveNear(wire, place, tag, options).catch((error: unknown) => {
		if (hasCode(error, 'ERR_IMAGE_UNKNOWN') || options.signal?.aborted === true) throw error;
	});
	const digest = found === undefined ? '' : `, ${found.digest}`;
	return new RegistryError('ERR_REGISTRY_UNSUPPORTED', `${place.host} cannot delete a tag alone`, {
		method: 'DELETE',
		status: 400,
		errors: cause.errors,
		hint: `Delete the manifest by its digest${digest}: all its tags go with it.`,
		details: found === undefined ? {} : {digest: found.digest},
		cause,
	});
}

function unsupported({host}: Place, what: 'tags' | 'manifests' | 'blobs', cause: RegistryError): RegistryError {
	return new RegistryError('ERR_REGISTRY_UNSUPPORTED', `${host} does not delete ${what}`, {
		method: 'DELETE',
		status: cause.status ?? 405,
		errors: cause.errors,
		hint: 'Switch deletion on in the configuration of the registry (docker-registry: storage.delete.enabled), or delete with the tools of its provider.',
		cause,
	});
}
