import type {SealError} from '../../lib/core/errors.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {isAttestation, listManifests, loadImage} from '../../lib/oci/image.js';
import {isManifestType} from '../../lib/oci/media-types.js';
import {formatPlatform} from '../../lib/oci/platform.js';
import {shortReference} from '../../lib/oci/reference.js';
import type {Store} from '../../lib/oci/store.js';
import {readImageFacts} from '../../lib/sealfile/image-type.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {type Embedded, embeddedImages} from '../embedded-images.js';
import type {Style} from '../render/style.js';
import {renderFields, renderTable} from '../render/table.js';
import {formatBytes, shortDigest} from '../render/units.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'this platform only', completes: 'platform'},
		images: {type: 'boolean', default: true, help: 'read which container images are embedded'},
	},
	examples: [
		{about: 'What is in it?', line: 'sealimage inspect kubernetes:v1.30'},
		{about: 'One label', line: `sealimage inspect --output json shop:v1 | jq -r '.[0].platforms[0].labels.version'`},
	],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		return await withStore(context, async store => {
			const shown: Inspected[] = [];
			for (const reference of operands) {
				const root = await store.resolve(reference, {signal: context.signal});
				const wanted =
					platform === undefined
						? await presentManifests(store, root, context)
						: [(await loadImage(store, root, platform, {signal: context.signal})).descriptor];
				const platforms: InspectedPlatform[] = [];
				for (const descriptor of wanted) platforms.push(await inspect(store, descriptor, flags.images, context));
				shown.push({
					reference,
					names: await namesOf(store, root, context),
					digest: root.digest,
					mediaType: root.mediaType,
					platforms,
				});
			}
			return {json: shown, text: () => shown.map(image => render(image, context.style)).join('\n')};
		});
	},
});

interface Inspected {
	readonly reference: string;
	readonly names: readonly string[];
	readonly digest: string;
	readonly mediaType: string;
	readonly platforms: readonly InspectedPlatform[];
}

interface InspectedPlatform {
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

/** The images of an index that are here: a sparse index names others too. Attestations are no images. */
async function presentManifests(store: Store, root: Descriptor, {signal}: Context): Promise<Descriptor[]> {
	const present: Descriptor[] = [];
	for (const descriptor of await listManifests(store, root, {signal}))
		if (
			isManifestType(descriptor.mediaType) &&
			!isAttestation(descriptor) &&
			(await store.exists(descriptor, {signal}))
		)
			present.push(descriptor);
	return present;
}

async function namesOf(store: Store, root: Descriptor, {signal}: Context): Promise<readonly string[]> {
	const images = await store.list({facts: false, signal});
	return images.find(image => image.descriptor.digest === root.digest)?.names ?? [];
}

async function inspect(
	store: Store,
	descriptor: Descriptor,
	readEmbedded: boolean,
	context: Context,
): Promise<InspectedPlatform> {
	const image = await loadImage(store, descriptor, undefined, {signal: context.signal});
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
		embedded: readEmbedded ? await embeddedImages(store, image, context) : undefined,
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

function render(image: Inspected, style: Style): string {
	const head = renderFields(
		[
			['Names', image.names.map(shortReference)],
			['Digest', image.digest],
			['Platforms', image.platforms.map(({platform}) => platform).join(', ')],
		],
		style,
	);
	return [head, ...image.platforms.map(platform => renderPlatform(platform, image.platforms.length > 1, style))].join(
		'\n',
	);
}

function renderPlatform(image: InspectedPlatform, several: boolean, style: Style): string {
	const fields = renderFields(
		[
			['Type', image.type ?? ''],
			['Version', image.version ?? ''],
			['Created', image.created ?? ''],
			['Size', formatBytes(image.sizeBytes)],
			['Warnings', image.warnings],
			[
				'Labels',
				Object.entries(image.labels)
					.toSorted()
					.map(([name, value]) => `${name}=${value}`),
			],
			['Env', image.env],
			['Entrypoint', image.entrypoint],
			['Cmd', image.cmd],
		],
		style,
	);
	const layers = renderTable(
		[{title: 'LAYER'}, {title: 'SIZE', align: 'right'}, {title: 'CREATED BY'}],
		image.layers.map(layer => [shortDigest(layer.digest), formatBytes(layer.sizeBytes), layer.createdBy.slice(0, 100)]),
		style,
	);
	const embedded =
		image.embedded === undefined || image.embedded.length === 0
			? []
			: [
					renderTable(
						[{title: 'EMBEDDED IMAGE'}, {title: 'DIGEST'}, {title: 'FOUND IN'}],
						image.embedded.map(({reference, digest, foundIn}) => [
							shortReference(reference),
							shortDigest(digest),
							foundIn.join(', '),
						]),
						style,
					),
				];
	const title = several ? [`${style.bold(`--- ${image.platform}`)} ${style.dim(image.digest)}\n${fields}`] : [fields];
	return [...title, ...(image.layers.length === 0 ? [] : [layers]), ...embedded].join('\n');
}
