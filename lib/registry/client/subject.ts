import {setTimeout as sleep} from 'node:timers/promises';
import {collect} from '../../core/bytes.js';
import {emit, type OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {formatManifest, type ImageIndex, maxManifestBytes, parseManifest} from '../../oci/manifest.js';
import {mediaTypes} from '../../oci/media-types.js';
import {RegistryError} from '../exchange/error.js';
import {withRetry} from '../exchange/retry.js';
import {referrersTag} from '../storage/referrer.js';
import {existsToWrite, placeName} from './read.js';
import type {Place, Wire} from './wire.js';

const maxRounds = 6;

/**
 * Lists a document under the tag of its subject, for registries that keep no such list (distribution-spec, "Referrers Tag
 * Schema"). Others may do the same at the same time: what is written is compared, or else read again.
 * @throws RegistryError
 */
export async function listUnderSubject(
	wire: Wire,
	place: Place,
	subject: Digest,
	referrer: Descriptor,
	options: OperationOptions,
): Promise<void> {
	const tag = referrersTag(subject);
	for (let round = 0; round < maxRounds; round++) {
		const found = await readList(wire, place, tag, options);
		if (found === 'other') return warn(place, tag, referrer, options);
		if (found.entries.some(({digest}) => digest === referrer.digest)) return;
		if (round > 0) await sleep(Math.random() * 100 * 2 ** round, undefined, {signal: options.signal});
		// Without an ETag the next round reads whether somebody else wrote over it.
		if ((await writeList(wire, place, tag, found, referrer, options)) && found.etag !== undefined) return;
	}
	throw new RegistryError(
		'ERR_REGISTRY_RESPONSE',
		`${placeName(place)} does not keep the list of referrers under the tag ${tag}`,
		{hint: 'Push again when nobody else pushes artifacts of this image.'},
	);
}

interface List {
	readonly entries: readonly Descriptor[];
	readonly etag?: string | undefined;
}

async function readList(
	{transport, retry = {}}: Wire,
	place: Place,
	tag: string,
	options: OperationOptions,
): Promise<List | 'other'> {
	const path = `/v2/${place.repository}/manifests/${tag}`;
	return await withRetry(tag, retry, options, async () => {
		const request = {...place, method: 'GET' as const, path, headers: {accept: mediaTypes.index}};
		const response = await transport.send({...request, actions: ['pull', 'push']}, options);
		if (response.status === 404) {
			await response.discard();
			return {entries: []};
		}
		const bytes = await collect(response.body, maxManifestBytes, `The list ${tag} of ${placeName(place)}`);
		const mediaType = (response.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
		if (mediaType !== mediaTypes.index) return 'other';
		return {entries: (parseManifest(bytes, mediaType, tag) as ImageIndex).manifests, etag: response.header('etag')};
	});
}

/** False when somebody was quicker, or entries had to be left out first. */
async function writeList(
	wire: Wire,
	place: Place,
	tag: string,
	{entries, etag}: List,
	referrer: Descriptor,
	options: OperationOptions,
): Promise<boolean> {
	try {
		await putList(wire, place, tag, [...entries, referrer], etag, options);
		return true;
	} catch (error) {
		if (!(error instanceof RegistryError)) throw error;
		if (error.status === 412) return false;
		if (!error.errors.some(({code}) => code === 'MANIFEST_BLOB_UNKNOWN')) throw error;
		// Artifacts that were deleted are still in the list, and the registry wants all that it names.
		const there = await Promise.all(entries.map(entry => existsToWrite(wire, place, entry, options)));
		const left = entries.filter((_, i) => there[i]);
		if (left.length === entries.length) throw error;
		await putList(wire, place, tag, [...left, referrer], etag, options);
		return true;
	}
}

async function putList(
	{transport, retry = {}}: Wire,
	place: Place,
	tag: string,
	manifests: readonly Descriptor[],
	etag: string | undefined,
	options: OperationOptions,
): Promise<void> {
	const bytes = formatManifest({schemaVersion: 2, mediaType: mediaTypes.index, manifests});
	const headers = {'content-type': mediaTypes.index, ...(etag === undefined ? {} : {'if-match': etag})};
	const path = `/v2/${place.repository}/manifests/${tag}`;
	const response = await withRetry(tag, retry, options, () =>
		transport.send({...place, method: 'PUT', path, headers, body: () => bytes}, options),
	);
	await response.discard();
}

function warn(place: Place, tag: string, {digest}: Descriptor, options: OperationOptions): void {
	emit(options, {
		type: 'warning',
		code: 'ReferrersTagTaken',
		message: `${placeName(place)} lists no referrers, and its tag ${tag} is something else: ${digest} will not be found by its subject`,
	});
}
