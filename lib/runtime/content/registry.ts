import {randomBytes} from 'node:crypto';
import {link, lstat, mkdir, readFile, rename, rmdir, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {systemCode} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';
import {type ImageTree, walkTree} from '../../oci/tree/tree.js';
import {registryRoot} from '../../registry/embed/layout.js';
import {checkInside} from '../../registry/storage/stock/files.js';
import type {ContentFolder} from './folder.js';
import {contentPath, type LayerRecord} from './layer-record.js';
import {type RegistryFile, registryFileOf, registryKinds} from './registry-paths.js';

/** A file that an image or a layer brings into the host's registry. */
export interface RegistrySource {
	readonly kind: RegistryFile['kind'];
	/** The content of a layer that it is a link to. */
	readonly source: string;
}

/** By path, relative to the content's folder. */
export type RegistryFiles = ReadonlyMap<string, RegistrySource>;

/** Blobs that are not what their name says stay where they are: one image cannot spoil what others serve. */
export function registryFilesOf(
	folder: ContentFolder,
	tree: ImageTree,
	records: ReadonlyMap<string, LayerRecord>,
	options: OperationOptions = {},
): RegistryFiles {
	const files = new Map<string, RegistrySource>();
	for (const {header, content} of walkTree(tree, registryRoot)) {
		const file = registryFileOf(header.path);
		if (file === undefined || content?.kind !== 'layer') continue;
		const source = contentPath(folder, content);
		if (source === undefined) continue;
		const found = records.get(content.layer.digest)?.digests.get(content.offset);
		const isWrong = file.kind === 'blob' && (found !== file.digest || content.sparse !== undefined);
		// Another name of a file elsewhere in the image may be anything, a setuid program too.
		const isPlain = header.mode === 0o644 && header.uid === 0 && header.gid === 0;
		if (isPlain && !isWrong) files.set(header.path, {kind: file.kind, source});
		else emit(options, wrongBlob(header.path));
	}
	return files;
}

/** The same of one layer, whatever other layers make of it. */
export function* layerRegistryFiles(
	folder: ContentFolder,
	{index}: LayerRecord,
): Generator<readonly [string, RegistrySource]> {
	for (const {header, offset} of index.entries) {
		const kind = header.type === 'file' && header.size > 0 ? registryFileOf(header.path)?.kind : undefined;
		if (kind !== undefined) yield [header.path, {kind, source: join(folder.layer(index.diffID), String(offset))}];
	}
}

/**
 * Makes the files of an image part of the host's registry: links to the same bytes, what is pointed at before what points at it, so
 * that a server that reads meanwhile never meets half an image. A tag that another image has, too, is moved.
 */
export async function mergeRegistry(
	folder: ContentFolder,
	files: RegistryFiles,
	options: OperationOptions,
): Promise<MergedRegistry> {
	const merged = {added: 0, moved: 0};
	const folders = new Set<string>();
	for (const kind of registryKinds) {
		const some = [...files].filter(([, file]) => file.kind === kind);
		const work = async ([path, {source}]: (typeof some)[number]): Promise<void> => {
			const target = join(folder.root, path);
			const put = async (): Promise<void> => {
				if (await linkOnce(source, target)) merged.added++;
				else if (kind === 'tag' && (await moveTag(folder, source, target))) merged.moved++;
			};
			await withIo('link', target, () => inFolder(folders, dirname(target), put));
		};
		await mapBounded(some, filesAtOnce, work, options);
	}
	return merged;
}

/** How many files of the registry changed. */
export interface MergedRegistry {
	readonly added: number;
	/** Tags that pointed at another image. */
	readonly moved: number;
}

/**
 * Takes files out of the host's registry, those that point before what they point at. `wanted` are those that other images bring:
 * they stay, and a tag is given back to them.
 */
export async function pruneRegistry(
	folder: ContentFolder,
	files: readonly (readonly [string, RegistrySource])[],
	wanted: RegistryFiles,
	options: OperationOptions,
): Promise<void> {
	for (const kind of registryKinds.toReversed()) {
		for (const [path, file] of files) {
			if (file.kind !== kind) continue;
			options.signal?.throwIfAborted();
			const target = join(folder.root, path);
			const other = wanted.get(path);
			if (other === undefined) await withIo('remove', target, () => removeLinked(folder, file.source, target));
			else if (kind === 'tag') await withIo('link', target, () => moveTag(folder, other.source, target));
		}
	}
}

const filesAtOnce = 16;
const maxAttempts = 5;

/** Links inside the registry's folder are not followed; a collector or server may remove an empty folder before it is used. */
async function inFolder(known: Set<string>, path: string, work: () => Promise<void>): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		if (!known.has(path)) {
			await mkdir(path, {recursive: true, mode: 0o755});
			await checkInside(join(path, 'any'));
			known.add(path);
		}
		try {
			return await work();
		} catch (error) {
			if (systemCode(error) !== 'ENOENT' || attempt === maxAttempts) throw error;
			known.delete(path);
		}
	}
}

/** What a link says follows from its path: any file that is there will do. A blob that is there was shared when its layer was unpacked. */
async function linkOnce(source: string, target: string): Promise<boolean> {
	try {
		await link(source, target);
		return true;
	} catch (error) {
		if (systemCode(error) !== 'EEXIST') throw error;
	}
	const [own, there] = await Promise.all([lstat(source), ifExists(() => lstat(target))]);
	if (there?.isFile() === true && there.size === own.size) return false;
	await replace(source, target);
	return true;
}

async function moveTag(folder: ContentFolder, source: string, target: string): Promise<boolean> {
	const there = await ifExists(() => lstat(target));
	const own = await lstat(source);
	if (there?.ino === own.ino) return false;
	if (there?.isFile() === true && there.size === own.size) {
		const [before, after] = await Promise.all([readFile(target), readFile(source)]);
		if (before.equals(after)) return false;
	}
	await replace(source, target, folder.work);
	return true;
}

async function replace(source: string, target: string, beside = dirname(target)): Promise<void> {
	const temporary = join(beside, `.${randomBytes(8).toString('hex')}.tmp`);
	await link(source, temporary);
	try {
		await rename(temporary, target);
	} finally {
		// rename(2) leaves both names of one file alone.
		await unlink(temporary).catch(() => undefined);
	}
}

/** Only what is ours goes: a server may have put another file in its place, as it does when a tag is pushed. */
async function removeLinked(folder: ContentFolder, source: string, target: string): Promise<void> {
	await checkInside(target);
	const [own, there] = [await ifExists(() => lstat(source)), await ifExists(() => lstat(target))];
	if (own === undefined || own.ino !== there?.ino) return;
	await ifExists(() => unlink(target));
	const top = join(folder.root, registryRoot);
	for (let at = dirname(target); at.startsWith(`${top}/`); at = dirname(at)) {
		const isGone = await rmdir(at).then(
			() => true,
			() => false,
		);
		if (!isGone) return;
	}
}

function wrongBlob(path: string): Parameters<typeof emit>[1] {
	return {
		type: 'warning',
		code: 'EmbeddedBlobWrong',
		message: `${path} of the image is not what its name says; the registry of the host does not serve it`,
		hint: 'Build the cluster image again.',
		file: path,
	};
}
