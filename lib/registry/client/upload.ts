import type {OperationOptions} from '../../core/events.js';
import type {ContentOpener} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {RegistryError} from '../exchange/error.js';
import {responseError} from '../exchange/response-error.js';
import type {Place, Wire} from './wire.js';

/** Uploads a blob. @throws RegistryError; what `read` throws */
export async function uploadBlob(
	{transport}: Wire,
	place: Place,
	descriptor: Descriptor,
	read: ContentOpener,
	operation: OperationOptions,
): Promise<void> {
	const path = `/v2/${place.repository}/blobs/uploads/`;
	const begun = await transport.send({...place, method: 'POST', path, headers: {'content-length': '0'}}, operation);
	await begun.discard();
	const location = begun.header('location');
	if (begun.status !== 202 || location === undefined) throw await responseError(begun, 'POST', begun.url);
	const url = new URL(location, begun.url);
	url.searchParams.set('digest', descriptor.digest);
	const bytes = await read(0, {signal: operation.signal});
	const headers = {'content-type': 'application/octet-stream', 'content-length': String(descriptor.size)};
	const ended = await transport.send({...place, method: 'PUT', path: url.href, headers, body: () => bytes}, operation);
	await ended.discard();
	if (ended.status !== 201) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `${place.host} did not take ${descriptor.digest}`, {
			method: 'PUT',
			url: ended.url,
			status: ended.status,
		});
	}
}
