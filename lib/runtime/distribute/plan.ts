import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobQuery, UnpackRequest} from '../content/content.js';
import {countParts} from './parts.js';

/** An image for one platform, as far as distribution cares. */
export interface PlannedImage {
	/** The name that it gets on the hosts. */
	readonly name: string;
	readonly manifest: Descriptor;
	readonly config: Descriptor;
	readonly layers: readonly PlannedLayer[];
}

export interface PlannedLayer {
	readonly descriptor: Descriptor;
	readonly diffId: Digest;
	/** It holds files below `registry/` and nothing else. */
	readonly isRegistry: boolean;
}

/** A blob that a host needs. */
export interface PlannedBlob {
	readonly descriptor: Descriptor;
	readonly diffId?: Digest | undefined;
}

/** What one host needs of one image. */
export interface ImageNeed {
	readonly unpack: UnpackRequest;
	readonly blobs: readonly PlannedBlob[];
}

const registryRoles: readonly string[] = ['master', 'registry'];

/**
 * True when a host of these roles serves embedded images to others. A host of which no role is known may be asked for
 * anything later, so it gets everything.
 */
export function servesRegistry(roles: readonly string[]): boolean {
	return roles.length === 0 || roles.some(role => registryRoles.includes(role));
}

/** What a host of these roles needs of an image: manifest and config always, layers of the registry only where they are served. */
export function planImage(image: PlannedImage, roles: readonly string[]): ImageNeed {
	const registry = servesRegistry(roles);
	const layers = image.layers.filter(layer => registry || !layer.isRegistry);
	return {
		unpack: {
			name: image.name,
			manifest: image.manifest.digest,
			layers: layers.map(({descriptor, diffId}) => ({
				blob: descriptor.digest,
				diffId,
				mediaType: descriptor.mediaType,
				sizeBytes: descriptor.size,
			})),
		},
		blobs: [
			{descriptor: image.manifest},
			{descriptor: image.config},
			...layers.map(({descriptor, diffId}) => ({descriptor, diffId})),
		],
	};
}

/** The blobs of several images, each once. */
export function distinctBlobs(needs: readonly ImageNeed[]): readonly PlannedBlob[] {
	const found = new Map<Digest, PlannedBlob>();
	for (const {blobs} of needs) {
		// The same bytes as a layer and as something else: the layer knows more.
		for (const blob of blobs) {
			const before = found.get(blob.descriptor.digest);
			if (before === undefined || before.diffId === undefined) found.set(blob.descriptor.digest, blob);
		}
	}
	return [...found.values()];
}

/** The question whether a host has a blob. */
export function queryOf({descriptor, diffId}: PlannedBlob): BlobQuery {
	return {
		blob: descriptor.digest,
		partCount: countParts(descriptor.size),
		...(diffId === undefined ? {} : {diffId}),
	};
}
