import type {OperationOptions} from '../../core/events.js';
import {type Descriptor, parseDescriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {isIndexType, mediaTypes} from '../../oci/media-types.js';
import {RegistryError} from '../exchange/error.js';
import {referrersTag} from '../storage/referrer.js';
import {badList, listPages} from './pages.js';
import {askJson, type Place, type Wire} from './wire.js';

export interface ListReferrersOptions extends OperationOptions {
	/** Only artifacts of this type, whether the registry filters or not. */
	readonly artifactType?: string | undefined;
}

const maxReferrers = 100_000;

/**
 * The artifacts of a repository whose subject is `subject` (distribution-spec, "Listing Referrers"). Registries that do not
 * know the question keep such lists under a tag, which is read then. Nothing known is an empty list.
 * @throws RegistryError
 */
export async function listReferrers(
	wire: Wire,
	place: Place,
	subject: Digest,
	options: ListReferrersOptions = {},
): Promise<readonly Descriptor[]> {
	const {artifactType} = options;
	const path = `/v2/${place.repository}/referrers/${subject}`;
	const query = artifactType === undefined ? '' : `artifactType=${encodeURIComponent(artifactType)}`;
	const headers = {accept: mediaTypes.index};
	const found = new Map<Digest, Descriptor>();
	let isKnown = false;
	try {
		for await (const {value} of listPages(wire, {...place, path, query, headers}, options)) {
			isKnown = true;
			collectFrom(value, {host: place.host, path}, found);
		}
	} catch (error) {
		if (!isUnsupported(error)) throw error;
	}
	if (!isKnown) await collectFromTag(wire, place, subject, found, options);
	// What OCI-Filters-Applied says need not be believed: filtering again costs nothing.
	return [...found.values()].filter(item => artifactType === undefined || item.artifactType === artifactType);
}

async function collectFromTag(
	wire: Wire,
	place: Place,
	subject: Digest,
	found: Map<Digest, Descriptor>,
	options: OperationOptions,
): Promise<void> {
	const path = `/v2/${place.repository}/manifests/${referrersTag(subject)}`;
	const answer = await askJson(wire, {...place, path, headers: {accept: mediaTypes.index}}, maxManifestBytes, options);
	const type = (answer?.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
	// A tag of that name which is an image belongs to somebody else.
	if (answer !== undefined && isIndexType(type)) collectFrom(answer.value, {host: place.host, path}, found);
}

function collectFrom(
	value: unknown,
	where: {readonly host: string; readonly path: string},
	found: Map<Digest, Descriptor>,
): void {
	const items = (value as {manifests?: unknown} | null)?.manifests ?? [];
	if (!Array.isArray(items)) throw badList(where, 'holds no list of manifests');
	for (const item of items) {
		const descriptor = parseItem(item, where);
		found.set(descriptor.digest, descriptor);
	}
	if (found.size > maxReferrers) throw badList(where, `has more than ${maxReferrers} referrers`);
}

function parseItem(item: unknown, where: {readonly host: string; readonly path: string}): Descriptor {
	try {
		return parseDescriptor(item, 'manifests');
	} catch (error) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `The list that ${where.host} gives is damaged`, {
			url: `https://${where.host}${where.path}`,
			cause: error,
		});
	}
}

/** Older registries have other words than 404 for a path that they do not know. */
function isUnsupported(error: unknown): boolean {
	return error instanceof RegistryError && [400, 405, 501].includes(error.status ?? 0);
}
