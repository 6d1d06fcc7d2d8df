import {posix} from 'node:path';
import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {sniffCompression} from '../compress/decompress.js';
import {type ImageConfig, parseConfig} from '../config.js';
import {type Descriptor, describe} from '../descriptor.js';
import {createDigester, type Digest} from '../digest.js';
import {platformOf} from '../image.js';
import {formatManifest, maxConfigBytes} from '../manifest.js';
import {mediaTypes} from '../media-types.js';
import {normalizeReference} from '../reference.js';
import {namesOf, refNameAnnotation} from '../store/layout.js';
import {discard, missingContent, readFileRange} from '../verify.js';
import {groupImages, type ImageArchive, resolveEntry} from './archive.js';
import {readMember, readMemberBytes, readMemberVerified} from './read-oci.js';
import type {TarFile, TarMember} from './tar-file.js';

const manifestFile = 'manifest.json';
const repositoriesFile = 'repositories';
const maxImages = 1000;
const maxLayers = 1000;

/** Whether a tar is what `docker save` writes. */
export function isDockerArchive(tar: TarFile): boolean {
	return tar.members.has(manifestFile);
}

/**
 * The images of a docker archive as OCI images: their configs as they are, with manifests made for them. Plain layers are
 * known by the diffIDs of the config, which are verified when they are read; compressed ones are hashed here.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_MANIFEST_INVALID
 */
export async function readDockerArchive(tar: TarFile, name: string, options: Abortable = {}): Promise<ImageArchive> {
	const items = parseItems(await readMember(tar, manifestFile, name), name);
	const idNames = await readRepositories(tar, name);
	const content = new Map<Digest, TarMember | Buffer>();
	const entries: Descriptor[] = [];
	const hashed = new Map<string, Descriptor>();
	for (const item of items) {
		options.signal?.throwIfAborted();
		const image = await convert(tar, item, name, content, hashed, options);
		const topLayer = posix.dirname(item.Layers.at(-1) ?? '');
		const names = item.RepoTags.length > 0 ? item.RepoTags : (idNames.get(topLayer) ?? []);
		if (names.length === 0) entries.push(image);
		for (const tag of names) entries.push({...image, annotations: {[refNameAnnotation]: normalizeReference(tag)}});
	}
	const sizeOf = (found: TarMember | Buffer): number => (Buffer.isBuffer(found) ? found.length : found.size);
	return {
		images: async () => groupImages(entries, namesOf),
		resolve: async reference => resolveEntry(entries, reference, name),
		async exists({digest, size}) {
			const found = content.get(digest);
			return found !== undefined && sizeOf(found) === size;
		},
		async fetch(descriptor, {offset = 0, signal} = {}) {
			const found = content.get(descriptor.digest);
			if (found === undefined) throw missingContent(descriptor, name);
			if (Buffer.isBuffer(found)) return oneChunk(found.subarray(offset));
			return readMemberVerified(tar, found, descriptor, name, {offset, signal});
		},
		close: tar.close,
	};
}

interface Item {
	readonly Config: string;
	readonly RepoTags: readonly string[];
	readonly Layers: readonly string[];
}

function parseItems(bytes: Buffer, name: string): readonly Item[] {
	let value: unknown;
	try {
		value = JSON.parse(bytes.toString('utf8'));
	} catch (error) {
		throw new SealError('ERR_LAYOUT_INVALID', `${manifestFile} in ${name} is not JSON`, {cause: error});
	}
	if (!Array.isArray(value) || value.length === 0 || value.length > maxImages) {
		throw new SealError('ERR_LAYOUT_INVALID', `${manifestFile} in ${name} is no list of 1 to ${maxImages} images`);
	}
	return value.map((raw: Partial<Record<keyof Item, unknown>> | null, i) => {
		const {Config: config, RepoTags: tags, Layers: layers} = raw ?? {};
		const validTags = tags === null || tags === undefined || isTextList(tags);
		if (typeof config !== 'string' || !validTags || !isTextList(layers ?? []) || (layers as []).length > maxLayers) {
			throw new SealError('ERR_LAYOUT_INVALID', `Image ${i} of ${manifestFile} in ${name} is malformed`);
		}
		return {Config: config, RepoTags: (tags ?? []) as string[], Layers: (layers ?? []) as string[]};
	});
}

function isTextList(value: unknown): value is readonly string[] {
	return Array.isArray(value) && value.every(item => typeof item === 'string');
}

/** The older way to name images: repository, tag, and the folder of the top layer. */
async function readRepositories(tar: TarFile, name: string): Promise<ReadonlyMap<string, readonly string[]>> {
	const found = new Map<string, string[]>();
	if (!tar.members.has(repositoriesFile)) return found;
	let value: unknown;
	try {
		value = JSON.parse((await readMember(tar, repositoriesFile, name)).toString('utf8'));
	} catch {
		return found;
	}
	for (const [repository, tags] of Object.entries((value ?? {}) as object)) {
		for (const [tag, id] of Object.entries((tags ?? {}) as object)) {
			if (typeof id === 'string') found.set(id, [...(found.get(id) ?? []), `${repository}:${tag}`]);
		}
	}
	return found;
}

async function convert(
	tar: TarFile,
	item: Item,
	name: string,
	content: Map<Digest, TarMember | Buffer>,
	hashed: Map<string, Descriptor>,
	options: Abortable,
): Promise<Descriptor> {
	const size = tar.members.get(item.Config)?.size ?? 0;
	if (size > maxConfigBytes) {
		throw new SealError('ERR_CONTENT_SIZE', `The config ${item.Config} in ${name} has ${size} bytes`);
	}
	const configBytes = await readMember(tar, item.Config, name);
	const config = parseConfig(configBytes, `${item.Config} in ${name}`);
	checkConfigName(item.Config, configBytes, name);
	const diffIds = config.rootfs.diff_ids;
	if (diffIds.length !== item.Layers.length) {
		throw new SealError(
			'ERR_MANIFEST_INVALID',
			`The config ${item.Config} in ${name} lists ${diffIds.length} layers, ${manifestFile} lists ${item.Layers.length}`,
		);
	}
	const layers: Descriptor[] = [];
	for (const [i, path] of item.Layers.entries()) {
		layers.push(await describeLayer(tar, path, diffIds[i] as Digest, name, content, hashed, options));
	}
	const configDescriptor = describe(mediaTypes.config, configBytes);
	content.set(configDescriptor.digest, configBytes);
	return storeManifest(configDescriptor, layers, config, content);
}

/** docker names a config by its digest; a name that looks like one must be right. */
function checkConfigName(path: string, bytes: Buffer, name: string): void {
	const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
	const found = describe(mediaTypes.config, bytes).digest;
	if (hex === undefined || found === `sha256:${hex}`) return;
	throw new SealError('ERR_CONTENT_DIGEST', `The config ${path} in ${name} is damaged: its digest is ${found}`);
}

async function describeLayer(
	tar: TarFile,
	path: string,
	diffId: Digest,
	name: string,
	content: Map<Digest, TarMember | Buffer>,
	hashed: Map<string, Descriptor>,
	{signal}: Abortable,
): Promise<Descriptor> {
	const member = tar.members.get(path) ?? tar.members.get(posix.normalize(path));
	if (member === undefined) throw new SealError('ERR_LAYOUT_INVALID', `There is no layer ${path} in ${name}`);
	const key = `${path}\n${diffId}`;
	const known = hashed.get(key);
	if (known !== undefined) return known;
	const format = await sniffMember(tar, member);
	const plain = format === 'none';
	if (!plain && format !== 'gzip' && format !== 'zstd') {
		throw new SealError('ERR_LAYOUT_INVALID', `The layer ${path} in ${name} is compressed with ${format}`);
	}
	const digest = plain ? diffId : await digestMember(tar, member, signal);
	const compressed = format === 'zstd' ? mediaTypes.layerZstd : mediaTypes.layerGzip;
	const descriptor = {mediaType: plain ? mediaTypes.layer : compressed, digest, size: member.size};
	content.set(digest, member);
	hashed.set(key, descriptor);
	return descriptor;
}

async function sniffMember(tar: TarFile, member: TarMember): Promise<ReturnType<typeof sniffCompression>> {
	const start = readFileRange(tar.path, member.offset, Math.min(6, member.size));
	for await (const chunk of start) {
		await discard(start);
		return chunk.length < 6 ? 'none' : sniffCompression(chunk);
	}
	return 'none';
}

async function digestMember(tar: TarFile, member: TarMember, signal: AbortSignal | undefined): Promise<Digest> {
	const digester = createDigester();
	for await (const chunk of readMemberBytes(tar, member)) {
		signal?.throwIfAborted();
		digester.update(chunk);
	}
	return digester.finish();
}

function storeManifest(
	configDescriptor: Descriptor,
	layers: readonly Descriptor[],
	config: ImageConfig,
	content: Map<Digest, TarMember | Buffer>,
): Descriptor {
	const bytes = formatManifest({schemaVersion: 2, mediaType: mediaTypes.manifest, config: configDescriptor, layers});
	const descriptor = describe(mediaTypes.manifest, bytes);
	content.set(descriptor.digest, bytes);
	return {...descriptor, platform: platformOf(config)};
}
