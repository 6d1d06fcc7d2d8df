import {hasCode, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {type Image, isImageConfig, loadImage, readManifest} from '../../oci/image.js';
import {type ClusterImageFacts, readImageFacts} from '../../oci/image-type.js';
import {isIndex} from '../../oci/manifest.js';
import {isIndexType} from '../../oci/media-types.js';
import {parsePlatform} from '../../oci/platform.js';
import {shortReference} from '../../oci/reference.js';
import {nameOnHosts} from '../distribute/image.js';
import {parseKubernetesVersion} from '../kubeadm/version.js';
import type {ClusterImage, ImageFile} from '../lifecycle/setting.js';
import {type RootfsFiles, readRootfsFiles} from './rootfs-files.js';
import {badImage, type ClusterRunConfig, readRunConfig} from './run-config.js';

/** The store of the operator, as far as images are read from it. */
export type ClusterImageSource = ImageSource & {readonly cacheDir: string};

export interface ReadClusterImageOptions extends OperationOptions {
	/** Of the hosts that it is for: `linux/amd64`. At least one. */
	readonly platforms: readonly string[];
}

/**
 * Reads what an image is to a cluster. Of an application only manifests and configs are read; of a rootfs or patch the tables of
 * contents of its layers too, which the store keeps. What was read of a manifest is remembered as long as `store` lives.
 * @throws SealError ERR_CLUSTER_IMAGE (no image, or one that contradicts itself), ERR_ROOTFS_IMAGE (no rootfs of Kubernetes), ERR_IMAGE_TYPE,
 * ERR_KUBERNETES_VERSION, ERR_PLATFORM, ERR_IMAGE_UNKNOWN, ERR_MANIFEST_INVALID, ERR_CONTENT_MISSING
 */
export async function readClusterImage(
	store: ClusterImageSource,
	reference: string,
	options: ReadClusterImageOptions,
): Promise<ClusterImage> {
	const root = await store.resolve(reference, options);
	const name = nameOnHosts(reference, root.digest);
	const shown = shortReference(name);
	await checkKind(store, root, shown, options);
	const read: [string, PlatformImage][] = [];
	for (const platform of options.platforms)
		read.push([platform, await readPlatform(store, root, platform, shown, options)]);
	const first = read[0]?.[1];
	if (first === undefined) throw new TypeError('A cluster image is read for at least one platform');
	for (const [platform, other] of read) checkSame(first, other, platform, shown);
	const {facts, run, rootfs} = first;
	return {
		name,
		digest: root.digest,
		type: facts.type,
		...(facts.type === 'rootfs' ? {kubernetes: versionOf(first, name, shown)} : {}),
		platforms: Object.fromEntries(read.map(([platform, {manifest, bytes}]) => [platform, {manifest, bytes}])),
		env: run.env,
		entrypoint: run.entrypoint,
		command: run.command,
		hooks: facts.type === 'rootfs' ? hooksOf(facts, rootfs?.files ?? []) : {},
		kubeadm: rootfs?.kubeadm ?? [],
		configs: rootfs?.configs ?? [],
		files: Object.fromEntries(read.flatMap(([platform, image]) => filesOf(platform, image))),
	};
}

/** What an image says of itself, whatever it is run on. */
export interface ImageKind extends Pick<ClusterImage, 'name' | 'type'> {
	/** Of a rootfs, when its label or its name tells. */
	readonly kubernetes?: string | undefined;
}

/**
 * The kind of an image, from its config alone: before it is known which hosts it is for.
 * @throws SealError as `readClusterImage`
 */
export async function readImageKind(
	store: ClusterImageSource,
	reference: string,
	options: OperationOptions = {},
): Promise<ImageKind> {
	const root = await store.resolve(reference, options);
	const name = nameOnHosts(reference, root.digest);
	const shown = shortReference(name);
	await checkKind(store, root, shown, options);
	const {config} = await loadImage(store, root, undefined, options);
	const facts = readImageFacts(readRunConfig(config.config, shown).labels);
	const text = facts.type === 'rootfs' ? (facts.version ?? versionIn(name)) : undefined;
	return {name, type: facts.type, ...(text === undefined ? {} : {kubernetes: parseKubernetesVersion(text).text})};
}

/** An image for one platform. */
interface PlatformImage {
	readonly manifest: Digest;
	/** Of manifest, config and layers. */
	readonly bytes: number;
	readonly facts: ClusterImageFacts;
	readonly run: ClusterRunConfig;
	/** Of a rootfs or patch. */
	readonly rootfs?: RootfsFiles | undefined;
}

/** Artifacts (charts, signatures) look like images from afar. */
async function checkKind(
	store: ClusterImageSource,
	root: Descriptor,
	shown: string,
	options: OperationOptions,
): Promise<void> {
	if (isIndexType(root.mediaType)) return;
	const manifest = await readManifest(store, root, options);
	if (!isIndex(manifest) && isImageConfig(manifest)) return;
	throw badImage(
		shown,
		`it is an artifact of type ${'config' in manifest ? manifest.config.mediaType : manifest.mediaType}`,
		'Name an image that "sealimage build" made.',
	);
}

async function readPlatform(
	store: ClusterImageSource,
	root: Descriptor,
	platform: string,
	shown: string,
	options: OperationOptions,
): Promise<PlatformImage> {
	const image = await loadImage(store, root, parsePlatform(platform), options).catch((error: unknown) => {
		if (!hasCode(error, 'ERR_PLATFORM')) throw error;
		const {platforms} = (error as SealError).details as {platforms?: readonly string[]};
		const found = platforms === undefined || platforms.length === 0 ? 'no platform' : platforms.join(', ');
		throw new SealError('ERR_PLATFORM', `The image ${shown} is for ${found}, and hosts need ${platform}`, {
			hint: `Build it with --platform ${platform}, or leave those hosts out.`,
			details: {image: shown, wanted: platform, platforms: platforms ?? []},
			cause: error,
		});
	});
	const known = rememberedBy(store);
	const {digest} = image.descriptor;
	const found = known.get(digest) ?? (await readImage(store, image, shown, options));
	remember(known, digest, found);
	return found;
}

async function readImage(
	store: ClusterImageSource,
	image: Image,
	shown: string,
	options: OperationOptions,
): Promise<PlatformImage> {
	const {descriptor, manifest, config} = image;
	if (!isImageConfig(manifest)) throw badImage(shown, `it is an artifact of type ${manifest.config.mediaType}`);
	const run = readRunConfig(config.config, shown);
	const facts = readImageFacts(run.labels);
	const rootfs = facts.type === 'application' ? undefined : await readRootfsFiles(store, image, shown, options);
	if (facts.type === 'rootfs') checkRootfs(facts, rootfs?.files ?? [], shown);
	const blobs = [descriptor, manifest.config, ...manifest.layers];
	const bytes = blobs.reduce((sum, {size}) => sum + size, 0);
	return {manifest: descriptor.digest, bytes, facts, run, rootfs};
}

/** Facts by the digest of their manifest; few, and the oldest go first: a server may read images for years. */
const remembered = new WeakMap<object, Map<Digest, PlatformImage>>();
const mostRemembered = 64;

function rememberedBy(store: object): Map<Digest, PlatformImage> {
	const known = remembered.get(store) ?? new Map<Digest, PlatformImage>();
	remembered.set(store, known);
	return known;
}

function remember(known: Map<Digest, PlatformImage>, digest: Digest, image: PlatformImage): void {
	known.delete(digest);
	known.set(digest, image);
	const [oldest] = known.keys();
	if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest);
}

const programs = ['bin/kubeadm', 'bin/kubelet', 'bin/kubectl'];

function checkRootfs(facts: ClusterImageFacts, files: readonly ImageFile[], shown: string): void {
	if (facts.distribution !== 'kubernetes') {
		throw badRootfs(
			shown,
			`its distribution is ${JSON.stringify(facts.distribution)}, expected kubernetes`,
			'Use a rootfs image with kubeadm.',
		);
	}
	const there = new Set(files.filter(({kind}) => kind !== 'folder').map(({path}) => path));
	const missing = programs.filter(path => !there.has(path));
	if (missing.length === 0) return;
	throw badRootfs(
		shown,
		`it has no ${missing.join(', no ')}`,
		'Give it the programs of a release of Kubernetes below bin/, or take its label type=rootfs away.',
	);
}

/** The variants of an image are one thing to a cluster, so they must not say different things. */
function checkSame(a: PlatformImage, b: PlatformImage, platform: string, shown: string): void {
	const differs = (['type', 'version', 'distribution'] as const).find(key => a.facts[key] !== b.facts[key]);
	if (differs === undefined) return;
	throw badImage(
		shown,
		`its ${differs} is ${b.facts[differs] ?? 'absent'} for ${platform} and ${a.facts[differs] ?? 'absent'} for another platform`,
	);
}

function versionOf({facts, rootfs}: PlatformImage, name: string, shown: string): string {
	const text = facts.version ?? rootfs?.apiServer ?? versionIn(name);
	if (text !== undefined) return parseKubernetesVersion(text).text;
	throw badRootfs(
		shown,
		'nothing in it says which Kubernetes it is',
		'Build it with a label, as LABEL version=v1.30.2.',
	);
}

function versionIn(name: string): string | undefined {
	return /:(v?1\.\d{1,3}\.\d{1,3})(?![\d.])[^/]*$/.exec(name)?.[1];
}

function badRootfs(shown: string, why: string, hint: string): SealError {
	return new SealError('ERR_ROOTFS_IMAGE', `The image ${shown} cannot be the rootfs of a cluster: ${why}`, {
		hint,
		details: {image: shown},
	});
}

/** What sealos runs when no label says, if the script is there. */
const defaultHooks = ['check', 'init', 'clean', 'init-registry', 'clean-registry'];

function hooksOf({hooks}: ClusterImageFacts, files: readonly ImageFile[]): Readonly<Record<string, string>> {
	const scripts = new Set(files.map(({path}) => path));
	const byDefault = defaultHooks.filter(name => scripts.has(`scripts/${name}.sh`)).map(name => [name, `${name}.sh`]);
	const labelled = Object.entries(hooks).filter(([, line]) => line.trim() !== '');
	return Object.fromEntries([...byDefault, ...labelled]) as Record<string, string>;
}

function filesOf(platform: string, {rootfs}: PlatformImage): readonly (readonly [string, readonly ImageFile[]])[] {
	return rootfs === undefined ? [] : [[platform, rootfs.files]];
}
