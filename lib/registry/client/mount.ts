import type {OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import {existsAt, placeName} from './read.js';
import {beginUpload, type UploadSession} from './upload-session.js';
import type {Place, Wire} from './wire.js';

/** Content was found in the registry (`from`), or an upload was opened instead (`session`), or neither. */
export interface MountResult {
	readonly from?: string;
	readonly session?: UploadSession;
}

/** More places are not asked: each costs a request. */
const maxCandidates = 4;

/**
 * Tries to make content of the same registry readable in `place` (distribution-spec, "Mounting a blob from another
 * repository"). Refusals are no failures: then it has to be uploaded.
 * @throws RegistryError when the registry cannot be reached
 */
export async function mountBlob(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	candidates: readonly string[],
	options: OperationOptions,
): Promise<MountResult> {
	const from = await chooseCandidate(wire, descriptor, candidatesIn(place, candidates), options);
	if (from === undefined) return {};
	const session = await orNothing(async () => {
		const begin = () => beginUpload(wire, place, descriptor, {from: from.repository}, options);
		return {session: await withRetry(descriptor.digest, wire.retry ?? {}, options, begin)};
	});
	if (session === undefined) return {};
	return session.session === undefined ? {from: placeName(from)} : {session: session.session};
}

/** The same from any repository of the registry; undefined when the registry takes no such requests. Does not reject. */
export async function mountFromAnywhere(
	wire: Wire,
	place: Place,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<MountResult | undefined> {
	try {
		const session = await beginUpload(wire, place, descriptor, {}, options);
		return session === undefined ? {from: place.host} : {session};
	} catch (error) {
		// Quay fails when no repository is named. What is really wrong shows again when the upload is opened.
		return error instanceof RegistryError && error.status !== undefined ? undefined : {};
	}
}

function candidatesIn(place: Place, names: readonly string[]): readonly Place[] {
	const prefix = `${place.host}/`;
	const repositories = names.filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length));
	return [...new Set(repositories)]
		.filter(repository => repository !== place.repository)
		.slice(0, maxCandidates)
		.map(repository => ({host: place.host, repository}));
}

/** A mount that fails opens an upload: of several places the first that has the content is tried, and no other. */
async function chooseCandidate(
	wire: Wire,
	descriptor: Descriptor,
	places: readonly Place[],
	options: OperationOptions,
): Promise<Place | undefined> {
	if (places.length < 2) return places[0];
	for (const place of places) {
		if ((await orNothing(() => existsAt(wire, place, descriptor, options))) === true) return place;
	}
	return undefined;
}

/** Undefined when the registry understood and refused. */
async function orNothing<R>(work: () => Promise<R>): Promise<R | undefined> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof RegistryError && error.status !== undefined && !error.temporary) return undefined;
		throw error;
	}
}
