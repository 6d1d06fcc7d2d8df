import type {SealError} from '../lib/core/errors.js';
import type {ContentReader} from '../lib/oci/content.js';
import type {Descriptor} from '../lib/oci/descriptor.js';
import {isAttestation, listManifests, loadImage} from '../lib/oci/image.js';
import {readImageFacts} from '../lib/oci/image-type.js';
import {isManifestType} from '../lib/oci/media-types.js';
import {formatPlatform, type Platform} from '../lib/oci/platform.js';
import type {Store} from '../lib/oci/store/store.js';
import type {OpenPlace} from '../lib/registry/place/options.js';
import type {Context} from './context.js';
import {type Embedded, embeddedImages} from './embedded-images.js';

/** What `inspect` shows of one name. */
export interface Inspected {
	readonly reference: string;
	readonly names: readonly string[];
	readonly digest: string;
	readonly mediaType: string;
	readonly platforms: readonly InspectedPlatform[];
}

export interface InspectedPlatform {
	readonly platform: string;
	readonly digest: string;
	readonly created?: string | undefined;
	/** `rootfs`, `application` or `patch`; absent when the labels contradict each other. */
	readonly type?: string | undefined;
	readonly version?: string | undefined;
	readonly warnings: readonly string[];
	readonly labels: Readonly<Record<string, string>>;
	readonly env: readonly string[];
	readonly entrypoint: readonly string[];
	readonly cmd: readonly string[];
	readonly config: object;
	readonly sizeBytes: number;
	readonly layers: readonly {
		readonly digest: string;
		readonly diffID: string | undefined;
		readonly mediaType: string;
		readonly sizeBytes: number;
		readonly createdBy: string;
	}[];
	readonly embedded?: readonly Embedded[] | undefined;
}

/**
 * Everything there is to say about an image without reading its files: one part per platform, or for `platform` only.
 * @param store where the files of the image can be read: then the lock of the container images is read too
 */
export async function inspectImage(
	opened: OpenPlace,
	reference: string,
	{platform, store}: {readonly platform: Platform | undefined; readonly store: Store | undefined},
	context: Context,
): Promise<Inspected> {
	const {signal} = context;
	const {content} = opened;
	const root = await opened.resolve();
	const wanted =
		platform === undefined
			? await presentManifests(content, root, context)
			: [(await loadImage(content, root, platform, {signal})).descriptor];
	const platforms: InspectedPlatform[] = [];
	for (const descriptor of wanted) platforms.push(await inspect(content, descriptor, store, context));
	const {digest, mediaType} = root;
	return {reference, names: await namesOf(opened, root), digest, mediaType, platforms};
}

/** The images of an index that are here: a sparse index names others too. Attestations are no images. */
async function presentManifests(source: ContentReader, root: Descriptor, {signal}: Context): Promise<Descriptor[]> {
	const present: Descriptor[] = [];
	for (const descriptor of await listManifests(source, root, {signal}))
		if (
			isManifestType(descriptor.mediaType) &&
			!isAttestation(descriptor) &&
			(await source.exists(descriptor, {signal}))
		)
			present.push(descriptor);
	return present;
}

async function namesOf({images}: OpenPlace, root: Descriptor): Promise<readonly string[]> {
	const held = (await images?.()) ?? [];
	return held.find(image => image.descriptor.digest === root.digest)?.names ?? [];
}

async function inspect(
	source: ContentReader,
	descriptor: Descriptor,
	store: Store | undefined,
	context: Context,
): Promise<InspectedPlatform> {
	const image = await loadImage(source, descriptor, undefined, {signal: context.signal});
	const {manifest, config} = image;
	const run = config.config ?? {};
	const facts = factsOf(run.Labels);
	const steps = (config.history ?? []).filter(step => step.empty_layer !== true);
	return {
		platform: formatPlatform(config),
		digest: image.descriptor.digest,
		created: config.created,
		...facts,
		labels: run.Labels ?? {},
		env: run.Env ?? [],
		entrypoint: run.Entrypoint ?? [],
		cmd: run.Cmd ?? [],
		config: run,
		sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size + image.descriptor.size),
		layers: manifest.layers.map((layer, i) => ({
			digest: layer.digest,
			diffID: config.rootfs.diff_ids[i],
			mediaType: layer.mediaType,
			sizeBytes: layer.size,
			createdBy: steps[i]?.created_by ?? '',
		})),
		embedded: store === undefined ? undefined : await embeddedImages(store, image, context),
	};
}

function factsOf(
	labels: Readonly<Record<string, string>> | undefined,
): Pick<InspectedPlatform, 'type' | 'version' | 'warnings'> {
	try {
		const {type, version, typed, warnings} = readImageFacts(labels);
		return {type: typed ? type : `${type} (no label says so)`, version, warnings: warnings.map(({message}) => message)};
	} catch (error) {
		return {warnings: [(error as SealError).message]};
	}
}
