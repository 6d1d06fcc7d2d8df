import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import type {ImageSource} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, hexOf} from '../digest.js';
import type {EntryHeader} from '../entry.js';
import {walkGraph} from '../graph.js';
import {resolvePlatform} from '../image.js';
import {type ImageManifest, isIndex} from '../manifest.js';
import type {Platform} from '../platform.js';
import {parseReference, repositoryOf, shortReference} from '../reference.js';
import {
	formatIndex,
	imageNameAnnotation,
	indexFile,
	layoutFile,
	refNameAnnotation,
	withoutName,
} from '../store/layout.js';
import {packTar, type TarInput} from '../tar/write.js';
import {missingContent} from '../verify.js';
import {readInOrder} from './read-ahead.js';

/** One image to write. */
export interface ArchiveItem {
	readonly descriptor: Descriptor;
	/** The names it gets in the archive, full references; may be empty. */
	readonly names: readonly string[];
}

export interface WriteArchiveOptions extends OperationOptions {
	/** Write only the image for this platform out of each index. */
	readonly platform?: Platform | undefined;
	/** Blobs read at once; default 1, which is best for local sources. */
	readonly concurrency?: number | undefined;
}

/**
 * An OCI archive with the images and all they reach, as a stream of a tar. Equal input gives equal bytes: members are in
 * the order of their names, times are 0. Children that a sparse index lacks are left out.
 * @throws SealError ERR_CONTENT_MISSING, ERR_PLATFORM
 */
export async function* writeOciArchive(
	source: ImageSource,
	items: readonly ArchiveItem[],
	options: WriteArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
	const chosen = await chooseAll(source, items, options);
	yield* packTar(layoutMembers(source, chosen, await contentOf(source, chosen, options), [], options));
}

/**
 * A docker archive: what `docker save` writes today, an OCI archive with `manifest.json` and `repositories`, so that
 * `docker load` of any age reads it. Layers stay compressed as they are, docker has always read those. One platform each.
 * @throws SealError ERR_CONTENT_MISSING, ERR_PLATFORM when an image has several platforms and none is chosen
 */
export async function* writeDockerArchive(
	source: ImageSource,
	items: readonly ArchiveItem[],
	options: WriteArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
	const chosen = await chooseAll(source, items, options);
	const content = await contentOf(source, chosen, options);
	const manifests: object[] = [];
	const repositories: Record<string, Record<string, string>> = {};
	for (const {descriptor, names} of chosen) {
		const manifest = content.documents.get(descriptor.digest);
		if (manifest === undefined) throw severalPlatforms(descriptor);
		const tags = names.filter(name => parseReference(name).tag !== undefined);
		const blob = (child: Descriptor): string => blobName(child.digest);
		// docker refuses a name with a digest in an archive.
		const shown = tags.map(name => shortReference(name).replace(/@.*$/, ''));
		manifests.push({Config: blob(manifest.config), RepoTags: shown, Layers: manifest.layers.map(blob)});
		const top = manifest.layers.at(-1);
		for (const name of tags) {
			const {tag = '', ...reference} = parseReference(name);
			const repository = shortReference(repositoryOf(reference));
			repositories[repository] = {...repositories[repository], [tag]: hexOf((top ?? manifest.config).digest)};
		}
	}
	const extra = [
		{name: 'manifest.json', text: JSON.stringify(manifests)},
		{name: 'repositories', text: JSON.stringify(repositories)},
	];
	yield* packTar(layoutMembers(source, chosen, content, extra, options));
}

function severalPlatforms(descriptor: Descriptor): SealError {
	return new SealError('ERR_PLATFORM', `A docker archive holds one platform, and ${descriptor.digest} is an index`, {
		hint: 'Choose a platform, or write an OCI archive.',
	});
}

interface Content {
	/** Every blob that goes in, by digest. */
	readonly blobs: ReadonlyMap<Digest, Descriptor>;
	/** The image manifests among them. */
	readonly documents: ReadonlyMap<Digest, ImageManifest>;
}

async function chooseAll(
	source: ImageSource,
	items: readonly ArchiveItem[],
	{platform, signal}: WriteArchiveOptions,
): Promise<readonly ArchiveItem[]> {
	if (items.length === 0) throw new TypeError('An archive needs at least one image');
	if (platform === undefined) return items;
	const chosen: ArchiveItem[] = [];
	for (const {descriptor, names} of items) {
		chosen.push({descriptor: await resolvePlatform(source, descriptor, platform, {signal}), names});
	}
	return chosen;
}

async function contentOf(
	source: ImageSource,
	items: readonly ArchiveItem[],
	{signal}: WriteArchiveOptions,
): Promise<Content> {
	const blobs = new Map<Digest, Descriptor>();
	const documents = new Map<Digest, ImageManifest>();
	const seen = new Set<Digest>();
	for (const {descriptor: root} of items) {
		for await (const {descriptor, document, parent} of walkGraph(source, root, {seen, ...(signal ? {signal} : {})})) {
			if (!(await source.exists(descriptor, {signal}))) {
				if (isOptional(parent === undefined ? undefined : documents.get(parent.digest), parent, descriptor)) continue;
				throw missingContent(descriptor, 'the source');
			}
			blobs.set(descriptor.digest, descriptor);
			if (document !== undefined && !isIndex(document)) documents.set(descriptor.digest, document);
		}
	}
	return {blobs, documents};
}

/** Children of a sparse index, subjects, and layers that are fetched from their `urls` may be missing; nothing else. */
function isOptional(
	parentManifest: ImageManifest | undefined,
	parent: Descriptor | undefined,
	descriptor: Descriptor,
): boolean {
	if (parent === undefined) return false;
	if (parentManifest === undefined || parentManifest.subject?.digest === descriptor.digest) return true;
	return (descriptor.urls?.length ?? 0) > 0;
}

interface ExtraFile {
	readonly name: string;
	readonly text: string;
}

async function* layoutMembers(
	source: ImageSource,
	items: readonly ArchiveItem[],
	content: Content,
	extra: readonly ExtraFile[],
	options: WriteArchiveOptions,
): AsyncGenerator<TarInput> {
	const descriptors = [...content.blobs.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
	yield {header: headerOf('blobs', 'directory', 0)};
	let folder = '';
	const {signal, concurrency = 1} = options;
	for await (const {descriptor, bytes} of readInOrder(source, descriptors, {signal, concurrency})) {
		const parent = `blobs/${algorithmOf(descriptor.digest)}`;
		if (parent !== folder) yield {header: headerOf(parent, 'directory', 0)};
		folder = parent;
		const {digest, size} = descriptor;
		const content = counted(bytes, progress(options, digest, size));
		yield {header: headerOf(blobName(digest), 'file', size), content};
		emit(options, {type: 'blob.finished', id: digest, digest, sizeBytes: size});
	}
	const files = [
		{name: indexFile, text: formatIndex({schemaVersion: 2, manifests: items.flatMap(entriesOf)})},
		{name: layoutFile, text: '{"imageLayoutVersion":"1.0.0"}'},
		...extra,
	];
	for (const {name, text} of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
		const bytes = Buffer.from(text);
		yield {header: headerOf(name, 'file', bytes.length), content: bytes};
	}
}

async function* counted(bytes: Bytes, report: (doneBytes: number) => void): AsyncGenerator<Uint8Array> {
	let doneBytes = 0;
	for await (const chunk of bytes) {
		doneBytes += chunk.length;
		report(doneBytes);
		yield chunk;
	}
}

function entriesOf({descriptor, names}: ArchiveItem): readonly Descriptor[] {
	const bare = withoutName(descriptor);
	if (names.length === 0) return [bare];
	return names.map(name => ({
		...bare,
		annotations: {...bare.annotations, [refNameAnnotation]: name, [imageNameAnnotation]: name},
	}));
}

function blobName(digest: Digest): string {
	return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

function headerOf(path: string, type: 'file' | 'directory', size: number): EntryHeader {
	return {path, type, mode: type === 'file' ? 0o644 : 0o755, uid: 0, gid: 0, size, mtime: 0};
}
