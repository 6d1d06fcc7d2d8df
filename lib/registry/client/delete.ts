import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
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
		if (error instanceof RegistryError && isRefusal(error, what)) throw unsupported(place, what, error);
		throw error;
	}
}

/** A registry that knows deletion by digest only takes a tag for a malformed digest: 400. */
function isRefusal(error: RegistryError, what: string): boolean {
	return error.status === 405 || error.status === 501 || (error.status === 400 && what === 'tags');
}

function unsupported({host}: Place, what: 'tags' | 'manifests' | 'blobs', cause: RegistryError): RegistryError {
	const byDigest = what === 'tags' && cause.status === 400;
	const message = byDigest ? `${host} cannot delete a tag alone` : `${host} does not delete ${what}`;
	return new RegistryError('ERR_REGISTRY_UNSUPPORTED', message, {
		method: 'DELETE',
		status: cause.status ?? 405,
		errors: cause.errors,
		hint: byDigest
			? 'Delete the manifest by its digest: all its tags go with it.'
			: 'Switch deletion on in the configuration of the registry (docker-registry: storage.delete.enabled), or delete with the tools of its provider.',
		cause,
	});
}
