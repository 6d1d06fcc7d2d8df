import {type Bytes, collect} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable, Observable, OperationOptions} from '../../core/events.js';
import type {
	ContentDeleter,
	ContentMounter,
	ImageSink,
	ImageSource,
	PlacedContent,
	ReferrerLister,
	ResumableSink,
	TagLister,
	WholeManifests,
} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {formatReference, parseReference} from '../../oci/reference.js';
import {verified} from '../../oci/verify.js';
import {createBlobWriter} from './blobs.js';
import {deleteManifest} from './delete.js';
import {createDocumentWriter} from './documents.js';
import {resolveNear} from './near-tags.js';
import {existsToWrite, fetchAt, isDocument, placeName} from './read.js';
import {listReferrers} from './referrers.js';
import {listTags} from './tags.js';
import type {UploadJournal} from './upload-journal.js';
import {type Place, type Wire, withoutMirrors} from './wire.js';

/**
 * One repository of one registry, to read from and to write to. A reference is a tag, a digest, or the full name of an
 * image in this repository.
 */
export interface Repository
	extends ImageSource,
		ImageSink,
		ContentMounter,
		PlacedContent,
		WholeManifests,
		ResumableSink,
		TagLister,
		ReferrerLister,
		ContentDeleter {
	/** As in references: `docker.io`, `localhost:5000`. */
	readonly host: string;
	/** `host/path`. */
	readonly name: string;
}

export interface RepositoryOptions extends Observable {
	readonly uploadJournal?: UploadJournal | undefined;
}

/** @throws SealError ERR_REFERENCE_INVALID */
export function openRepository(wire: Wire, name: string, {onEvent, uploadJournal}: RepositoryOptions): Repository {
	const place = parsePlace(name);
	const target = withoutMirrors(wire);
	const documents = createDocumentWriter(target, place);
	const blobs = createBlobWriter({wire: target, place, journal: uploadJournal});
	const operationOf = ({signal}: Abortable): OperationOptions => ({signal, onEvent});
	const pushDocument = async (descriptor: Descriptor, bytes: Bytes, options: OperationOptions): Promise<void> => {
		const checked = verified(bytes, descriptor, `the source of ${placeName(place)}`, options);
		await documents.push(descriptor, await collect(checked, maxManifestBytes, descriptor.digest), options);
	};
	return {
		host: place.host,
		name: placeName(place),
		holdsWholeManifests: true,
		placesOf: () => [placeName(place)],
		resolve: async (reference, options = {}) =>
			await resolveNear(wire, place, wantedIn(place, reference), operationOf(options)),
		async exists(descriptor, options = {}) {
			const isThere = await existsToWrite(target, place, descriptor, operationOf(options));
			if (!isThere) blobs.noteAbsent(descriptor.digest);
			return isThere;
		},
		fetch: async (descriptor, options = {}) => await fetchAt(wire, place, descriptor, {...options, onEvent}),
		mount: async (descriptor, {from = [], ...options} = {}) =>
			isDocument(descriptor) ? undefined : await blobs.mount(descriptor, from, operationOf(options)),
		async push(descriptor, bytes, options = {}) {
			if (isDocument(descriptor)) return await pushDocument(descriptor, bytes, operationOf(options));
			await blobs.push(descriptor, bytes, operationOf(options));
		},
		async pushFrom(descriptor, read, options = {}) {
			if (!isDocument(descriptor)) return await blobs.pushFrom(descriptor, read, operationOf(options));
			await pushDocument(descriptor, await read(0, {...options, verify: false}), operationOf(options));
		},
		async tag(reference, descriptor, options = {}) {
			const wanted = wantedIn(place, reference);
			if (!isDigest(wanted)) await documents.tag(wanted, descriptor, operationOf(options));
		},
		tags: async (options = {}) => await listTags(wire, place, operationOf(options)),
		referrers: async (subject, {artifactType, ...options} = {}) =>
			await listReferrers(wire, place, subject, {...operationOf(options), artifactType}),
		delete: async (reference, options = {}) =>
			await deleteManifest(target, place, wantedIn(place, reference), operationOf(options)),
	};
}

function parsePlace(name: string): Place {
	const reference = parseReference(name);
	const {domain: host, path: repository} = reference;
	if (name.includes('@') || /:[^/]*$/.test(name)) {
		throw new SealError('ERR_REFERENCE_INVALID', `${JSON.stringify(name)} names an image, not a repository`, {
			hint: `Leave out the tag and the digest: ${host}/${repository}.`,
		});
	}
	return {host, repository};
}

/** The tag or digest that a reference means here. */
function wantedIn(place: Place, reference: string): string {
	if (isDigest(reference) || /^\w[\w.-]{0,127}$/.test(reference)) return reference;
	const found = parseReference(reference);
	if (found.domain !== place.host || found.path !== place.repository) {
		throw new SealError('ERR_REFERENCE_INVALID', `${formatReference(found)} is not in ${placeName(place)}`, {
			hint: 'Give a tag, or the name of an image in this repository.',
		});
	}
	return found.digest ?? found.tag ?? 'latest';
}
