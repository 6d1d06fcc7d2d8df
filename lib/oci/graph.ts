import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import type {ContentReader} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';
import {readManifest} from './image.js';
import {childrenOf, type ImageIndex, type ImageManifest} from './manifest.js';
import {isIndexType, isManifestType} from './media-types.js';

/** One piece of content that an image reaches. */
export interface GraphNode {
	readonly descriptor: Descriptor;
	/** Present exactly for manifests and indexes that were read. */
	readonly document?: ImageManifest | ImageIndex;
	/** The document that names it first; absent for a root. */
	readonly parent?: Descriptor;
}

export interface WalkOptions extends Abortable {
	/** Digests that were walked already: they are not given again. Grows with the walk. */
	readonly seen?: Set<Digest>;
	/** What to do with a document that cannot be read: give it without `document` (true), or fail (false, the default). */
	readonly tolerant?: boolean;
}

const maxNodes = 1_000_000;

/**
 * Everything that a descriptor reaches, parents before children, each digest once. Content that is missing is given too:
 * a sparse index names children that nobody has.
 * @throws SealError ERR_CONTENT_MISSING, ERR_MANIFEST_INVALID unless `tolerant`
 */
export async function* walkGraph(
	source: ContentReader,
	root: Descriptor,
	options: WalkOptions = {},
): AsyncGenerator<GraphNode> {
	const seen = options.seen ?? new Set<Digest>();
	const queue: {readonly descriptor: Descriptor; readonly parent?: Descriptor}[] = [{descriptor: root}];
	for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
		options.signal?.throwIfAborted();
		const {descriptor} = next;
		if (seen.has(descriptor.digest)) continue;
		seen.add(descriptor.digest);
		if (seen.size > maxNodes) throw new SealError('ERR_MANIFEST_INVALID', 'An image names too much content');
		const document = await readNode(source, next.descriptor, next.parent, options);
		yield document === undefined ? next : {...next, document};
		if (document === undefined) continue;
		const children = [...childrenOf(document), ...(document.subject === undefined ? [] : [document.subject])];
		for (const child of children.toReversed()) queue.push({descriptor: child, parent: descriptor});
	}
}

/** A child of an index and a subject may be missing; a root and what is damaged may not. */
async function readNode(
	source: ContentReader,
	descriptor: Descriptor,
	parent: Descriptor | undefined,
	options: WalkOptions,
): Promise<ImageManifest | ImageIndex | undefined> {
	if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) return undefined;
	if (parent !== undefined && !(await source.exists(descriptor, options))) return undefined;
	try {
		return await readManifest(source, descriptor, options);
	} catch (error) {
		options.signal?.throwIfAborted();
		if (options.tolerant === true) return undefined;
		throw error;
	}
}
