import {readdir, readFile, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {syncFolder, writeFileAtomic} from '../../core/atomic-file.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import type {HostImage} from './content.js';
import type {ContentFolder} from './folder.js';
import {dropStatement} from './statement.js';
import {chainIdOf} from './tree.js';

/** Every image that is unpacked, the last one last. A file that is no record of ours, as a power cut may leave, names nothing. */
export async function listImages(folder: ContentFolder): Promise<readonly HostImage[]> {
	const names = (await withIo('read', folder.images, () => ifExists(() => readdir(folder.images)))) ?? [];
	const images: HostImage[] = [];
	for (const name of names.filter(candidate => candidate.endsWith(suffix))) {
		const path = join(folder.images, name);
		const text = await withIo('read', path, () => ifExists(() => readFile(path, 'utf8')));
		const image = text === undefined ? undefined : parseImage(folder, text);
		if (image !== undefined) images.push(image);
	}
	return images.sort((a, b) => a.unpackedAtMs - b.unpackedAtMs || (a.name < b.name ? -1 : 1));
}

/** Writes down what a name means from now on, on the disk too when this resolves. */
export async function writeImage(folder: ContentFolder, image: Omit<HostImage, 'path'>): Promise<void> {
	const {name, manifest, layers, unpackedAtMs} = image;
	await dropStatement(folder, name);
	await writeFileAtomic(folder.record(name), `${JSON.stringify({name, manifest, layers, unpackedAtMs})}\n`, {
		tempDir: folder.work,
		sync: folder.durability === 'full',
	});
}

export async function removeImage(folder: ContentFolder, name: string): Promise<void> {
	const path = folder.record(name);
	await dropStatement(folder, name);
	await withIo('remove', path, () => ifExists(() => unlink(path)));
	if (folder.durability === 'full') await syncFolder(folder.images);
}

export function treePath(folder: ContentFolder, layers: readonly {readonly diffId: Digest}[]): string {
	return folder.tree(chainIdOf(layers.map(layer => layer.diffId)));
}

const suffix = '.json';

function parseImage(folder: ContentFolder, text: string): HostImage | undefined {
	try {
		const {name, manifest, layers, unpackedAtMs} = JSON.parse(text) as Partial<HostImage>;
		if (typeof name !== 'string' || !isDigest(manifest) || !Number.isFinite(unpackedAtMs)) return undefined;
		if (layers?.every(({blob, diffId}) => isDigest(blob) && isDigest(diffId)) !== true) return undefined;
		return {name, manifest, path: treePath(folder, layers), layers, unpackedAtMs: unpackedAtMs as number};
	} catch {
		return undefined;
	}
}
