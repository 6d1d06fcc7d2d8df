import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import type {Answer} from './answer.js';
import {readBody} from './body.js';
import {identity, unchanged} from './conditional.js';
import {readDigest} from './digest-param.js';
import type {Exchange} from './exchange.js';
import {isTagName} from './names.js';
import {readNewManifest} from './new-manifest.js';
import {Refusal, type RefusalItem, refuse} from './refusal.js';
import type {RouteOf} from './route.js';

/** distribution-spec asks for at least 10. */
const maxTags = 100;
/** What is missing beyond this is not told one by one. */
const maxErrors = 100;

/** GET and HEAD of a manifest: the bytes and the type that were pushed, whatever the client would accept. */
export async function getManifest(exchange: Exchange, route: RouteOf<'manifest'>): Promise<Answer> {
	const {parts, repository, signal} = exchange;
	const digest = await resolve(exchange, route);
	const manifest = await parts.storage.manifest(repository, digest, {signal});
	if (manifest === undefined) throw unknown(route);
	const headers = identity(digest);
	return (
		unchanged(exchange, digest, headers) ?? {
			status: 200,
			headers: {...headers, 'content-type': manifest.mediaType},
			body: manifest.bytes,
		}
	);
}

/** Stores a manifest under its digest, and moves the tag of the path or those of the query to it. */
export async function putManifest(exchange: Exchange, route: RouteOf<'manifest'>): Promise<Answer> {
	const {parts, repository, request} = exchange;
	const {tags, expected} = target(exchange, route);
	const bytes = await readBody(exchange, maxManifestBytes);
	const digest = digestOf(bytes, expected === undefined ? 'sha256' : algorithmOf(expected));
	if (expected !== undefined && digest !== expected) {
		throw refuse('DIGEST_INVALID', `The manifest has the digest ${digest}`, {detail: {digest: expected}});
	}
	const manifest = readNewManifest(bytes, request.headers['content-type'], digest);
	const needed = parts.options.sparseIndexes === true ? {...manifest, manifests: []} : manifest;
	const missing = await parts.storage.putManifest(repository, needed, tags);
	const [first, ...rest] = missing.slice(0, maxErrors).map(({digest: blob, mediaType, size}): RefusalItem => {
		return {
			code: 'MANIFEST_BLOB_UNKNOWN',
			message: `The manifest names ${blob}, which the repository does not have`,
			detail: {digest: blob, mediaType, size},
		};
	});
	if (first !== undefined) throw new Refusal([first, ...rest]);
	return {
		status: 201,
		headers: {
			location: `/v2/${repository}/manifests/${digest}`,
			'docker-content-digest': digest,
			...(manifest.referrer === undefined ? {} : {'oci-subject': manifest.referrer.subject}),
			...(exchange.query.has('tag') ? {'oci-tag': tags} : {}),
		},
	};
}

/** Removes a tag alone, or a manifest with all tags that point at it. */
export async function deleteManifest(exchange: Exchange, route: RouteOf<'manifest'>): Promise<Answer> {
	const {parts, repository} = exchange;
	const {reference} = route;
	const isGone = reference.includes(':')
		? await parts.storage.deleteManifest(repository, readDigest(reference))
		: isTagName(reference) && (await parts.storage.deleteTag(repository, reference));
	if (!isGone) throw unknown(route);
	return {status: 202};
}

/** A tag cannot hold a colon, a digest always does. What can be no tag is not there, as any other. */
async function resolve({parts, repository}: Exchange, route: RouteOf<'manifest'>): Promise<Digest> {
	const {reference} = route;
	if (reference.includes(':')) return readDigest(reference);
	const digest = isTagName(reference) ? await parts.storage.tag(repository, reference) : undefined;
	if (digest === undefined) throw unknown(route);
	return digest;
}

function target(
	{query}: Exchange,
	{reference}: RouteOf<'manifest'>,
): {readonly tags: readonly string[]; readonly expected: Digest | undefined} {
	const expected = isDigest(reference) ? reference : undefined;
	if (expected === undefined && reference.includes(':')) readDigest(reference);
	const tags = [...new Set([...(expected === undefined ? [reference] : []), ...query.getAll('tag')])];
	const wrong = tags.find(tag => !isTagName(tag));
	if (wrong !== undefined) throw refuse('TAG_INVALID', undefined, {detail: {tag: wrong.slice(0, 200)}});
	if (tags.length > maxTags) {
		throw refuse('TAG_INVALID', `${tags.length} tags at once, ${maxTags} are allowed`, {status: 414});
	}
	return {tags, expected};
}

function unknown({name, reference}: RouteOf<'manifest'>): Error {
	return refuse('MANIFEST_UNKNOWN', undefined, {detail: {name, reference: reference.slice(0, 200)}});
}
