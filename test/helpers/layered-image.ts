import {oneChunk} from '../../lib/core/bytes.js';
import {withComponent} from '../../lib/oci/component.js';
import {type Descriptor, describe} from '../../lib/oci/descriptor.js';
import type {LayerEntry} from '../../lib/oci/entry.js';
import {compareLayerPaths} from '../../lib/oci/layer/whiteout.js';
import {writeLayer} from '../../lib/oci/layer/write.js';
import {formatManifest} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {hostPlatform, type Platform} from '../../lib/oci/platform.js';
import type {Store} from '../../lib/oci/store/store.js';

/** An image of these layers, under a name. */
export async function putLayers(
	store: Store,
	name: string,
	layers: readonly (readonly LayerEntry[])[],
	components: readonly ('registry' | undefined)[] = [],
	platform: Platform = hostPlatform(),
): Promise<Descriptor> {
	const descriptors: Descriptor[] = [];
	const diffIds: string[] = [];
	for (const [position, entries] of layers.entries()) {
		const sorted = [...entries].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
		const {descriptor, diffID} = await writeLayer(sorted, store, {compression: {algorithm: 'none'}});
		const component = components[position];
		descriptors.push(component === undefined ? descriptor : withComponent(descriptor, component));
		diffIds.push(diffID);
	}
	const push = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
		const descriptor = describe(mediaType, bytes);
		await store.push(descriptor, oneChunk(bytes));
		return descriptor;
	};
	const config = await push(
		mediaTypes.config,
		Buffer.from(JSON.stringify({...platform, config: {}, rootfs: {type: 'layers', diff_ids: diffIds}})),
	);
	const mediaType = mediaTypes.manifest;
	const manifest = await push(mediaType, formatManifest({schemaVersion: 2, mediaType, config, layers: descriptors}));
	await store.tag(name, manifest);
	return manifest;
}
