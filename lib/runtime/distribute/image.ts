import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {componentAnnotation} from '../../oci/component.js';
import type {ContentReader, Resolver} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {loadImage} from '../../oci/image.js';
import {formatPlatform, type Platform} from '../../oci/platform.js';
import {normalizeReference} from '../../oci/reference.js';
import type {PlannedImage, PlannedLayer} from './plan.js';

/** Says of a layer without annotation whether it holds files of the registry only. */
export type LookInto = (layer: Descriptor, diffId: Digest) => Promise<boolean>;

/**
 * Reads what distribution needs to know of an image for one platform. Layers say by annotation what they are; `lookInto` is asked
 * about those that do not, without it they count as needed everywhere.
 * @throws SealError ERR_PLATFORM, ERR_IMAGE_UNKNOWN, ERR_MANIFEST_INVALID, ERR_CONTENT_MISSING
 */
export async function readPlannedImage(
	source: ContentReader & Resolver,
	reference: string,
	platform: Platform,
	options: Abortable & {readonly lookInto?: LookInto | undefined} = {},
): Promise<PlannedImage> {
	const root = await source.resolve(reference, options);
	const {descriptor, manifest, config} = await loadImage(source, root, platform, options);
	const diffIds = config.rootfs.diff_ids;
	if (diffIds.length !== manifest.layers.length) {
		throw new SealError(
			'ERR_MANIFEST_INVALID',
			`${reference} for ${formatPlatform(platform)} has ${manifest.layers.length} layers, and its config names ${diffIds.length}`,
		);
	}
	const layers: PlannedLayer[] = [];
	for (const [position, layer] of manifest.layers.entries()) {
		const diffId = diffIds[position] as Digest;
		layers.push({descriptor: layer, diffId, isRegistry: await isRegistryLayer(layer, diffId, options.lookInto)});
	}
	return {name: nameOnHosts(reference, root.digest), manifest: descriptor, config: manifest.config, layers};
}

async function isRegistryLayer(layer: Descriptor, diffId: Digest, lookInto: LookInto | undefined): Promise<boolean> {
	const component = layer.annotations?.[componentAnnotation];
	if (component !== undefined) return component === 'registry';
	return lookInto === undefined ? false : await lookInto(layer, diffId);
}

/** Full names are the same on every machine; an image that was chosen by its digest is called by that. */
export function nameOnHosts(reference: string, digest: Digest): string {
	return /^(?:sha(?:256|512):)?[0-9a-f]{6,128}$/.test(reference) ? digest : normalizeReference(reference);
}
