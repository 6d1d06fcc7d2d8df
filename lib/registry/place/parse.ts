import {SealError} from '../../core/errors.js';
import {isDigest} from '../../oci/digest.js';
import {formatReference, parseReference, shortReference} from '../../oci/reference.js';
import {type FileKind, fileKinds, foreignPrefix} from './kinds.js';

/** Where an image is, or is to be. */
export type Place = StorePlace | RegistryPlace | FilePlace;

/** In the local store. */
export interface StorePlace {
	readonly kind: 'store';
	/** As written: a name, a digest or the first digits of one. */
	readonly reference: string;
}

/** In a registry. */
export interface RegistryPlace {
	readonly kind: 'docker';
	/** Full and normalised: `docker.io/library/redis:7`. */
	readonly reference: string;
}

/** In a file or folder. */
export interface FilePlace {
	readonly kind: FileKind;
	/** As written, relative or absolute. */
	readonly path: string;
	/** Which image of the file; undefined for the only one, or for no name when it is written. */
	readonly reference: string | undefined;
}

/**
 * Reads a place as skopeo spells them: `docker://host/name:tag`, `oci:dir[:name]`, `oci-archive:file[:name]`,
 * `docker-archive:file[:name]`, and ours: `registry-dir:folder[:name]`, `store:name`. A text without a prefix is a name in
 * `plain` (default: the store). The first colon ends a path; one that belongs to it is written `\:`.
 * @throws SealError ERR_PLACE_INVALID, ERR_REFERENCE_INVALID
 */
export function parsePlace(text: string, plain: 'store' | 'docker' = 'store'): Place {
	if (text === '') throw invalidPlace(text, 'it is empty', 'Name an image, or a place such as docker://host/name:tag.');
	const [, prefix = '', slashes = ''] = /^([A-Za-z][\w+.-]*):(\/\/)?/.exec(text) ?? [];
	const rest = text.slice(prefix.length + 1);
	if (prefix === 'docker') return readRegistryPlace(text, rest, slashes !== '');
	if (prefix === 'store') return readStorePlace(text, rest);
	const kind = fileKinds.find(name => name === prefix);
	if (kind !== undefined) return readFilePlace(text, kind, rest);
	const foreign = prefix === '' ? undefined : foreignPrefix(prefix, rest);
	if (foreign !== undefined) throw invalidPlace(text, foreign.why, foreign.hint);
	return plain === 'store' ? readStorePlace(text, text) : {kind: 'docker', reference: readReference(text)};
}

/** The place as text: the inverse of `parsePlace`, with short names of Docker Hub as people write them. */
export function formatPlace(place: Place): string {
	switch (place.kind) {
		case 'store': {
			const short = shortReference(place.reference);
			// "oci:v1" would be read as another kind of place.
			return /^(?:docker|store|oci|dir|[\w.+]+-[\w.+-]+):/.test(short) ? `store:${short}` : short;
		}
		case 'docker':
			return `docker://${place.reference}`;
		default: {
			const name = place.reference === undefined ? '' : `:${place.reference}`;
			return `${place.kind}:${place.path.replaceAll(':', '\\:')}${name}`;
		}
	}
}

function readRegistryPlace(text: string, rest: string, hasSlashes: boolean): RegistryPlace {
	// "docker:27" is an image of Docker Hub, "docker:host/name" a slip.
	if (!hasSlashes) {
		throw invalidPlace(text, 'docker: is followed by //', `Write docker://${rest}, or store:${text} for that image.`);
	}
	if (rest === '//') throw invalidPlace(text, 'it names no image', 'Write it as docker://host/name:tag.');
	return {kind: 'docker', reference: readReference(rest.slice(2))};
}

function readStorePlace(text: string, rest: string): StorePlace {
	if (rest === '') throw invalidPlace(text, 'it names no image', 'Write the name behind the colon: store:shop:v1.');
	// The first digits of a digest are no reference, and are looked up as they are.
	if (!isDigest(rest) && !/^(?:sha(?:256|512):)?[0-9a-f]{6,128}$/.test(rest)) parseReference(rest);
	return {kind: 'store', reference: rest};
}

function readFilePlace(text: string, kind: FileKind, rest: string): FilePlace {
	const end = /(?<!\\):/.exec(rest)?.index ?? rest.length;
	const path = rest.slice(0, end).replaceAll('\\:', ':');
	const reference = end === rest.length ? undefined : rest.slice(end + 1);
	if (path === '') throw invalidPlace(text, 'the path is empty', `Write it as ${kind}:PATH or ${kind}:PATH:NAME.`);
	if (path.includes('\0')) throw invalidPlace(text, 'the path holds a NUL byte');
	if (reference === '') throw invalidPlace(text, 'the name is empty', 'Leave out the last colon, or add a name.');
	return {kind, path, reference: reference === undefined ? undefined : readName(text, kind, reference)};
}

/** The name of an image in a file: a tag alone, any text that other tools wrote, or a digest. */
function readName(text: string, kind: FileKind, name: string): string {
	if (/[\u0000-\u0020\u007f]/.test(name) || name.length > 1024) {
		throw invalidPlace(text, `"${name.slice(0, 80)}" is no name for an image`);
	}
	if (kind === 'docker-archive') return readReference(name);
	// Kept as it is written: the folder has pause and registry.k8s.io/pause as two repositories.
	if (kind === 'registry-dir' && !isDigest(name)) parseReference(name);
	return name;
}

function readReference(text: string): string {
	return formatReference(parseReference(text));
}

function invalidPlace(text: string, why: string, hint?: string): SealError {
	const shown = JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}…` : text);
	return new SealError('ERR_PLACE_INVALID', `${shown} is no place for images: ${why}`, {hint});
}
