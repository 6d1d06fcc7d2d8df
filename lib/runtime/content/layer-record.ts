import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {type Digest, digestOf, isDigest} from '../../oci/digest.js';
import type {EntryContent} from '../../oci/entry.js';
import {formatLayerIndex, type LayerIndex, parseLayerIndex} from '../../oci/layer/layer-index.js';
import type {ContentFolder} from './folder.js';

/** The file in a layer's folder that describes it; the others are contents, named by number. */
export const recordFile = 'index';

/** What is known of an unpacked layer. */
export interface LayerRecord {
	/** The names of the layer. The `offset` of a file with content is the number of the file that holds it. */
	readonly index: LayerIndex;
	/** By number: the digest of what the layer stores of a content, which for sparse files is what lies between the holes. */
	readonly digests: ReadonlyMap<number, Digest>;
}

/** Writes the description of a layer that is otherwise complete. */
export async function writeLayerRecord(path: string, {index, digests}: LayerRecord): Promise<void> {
	const body = Buffer.concat([formatLayerIndex(index), Buffer.from(`\n${JSON.stringify([...digests].flat())}\n`)]);
	const file = join(path, recordFile);
	await withIo('write', file, () => writeFile(file, [body, Buffer.from(digestOf(body))], {flag: 'wx', mode: 0o400}));
}

/** Undefined when the layer is not there, or its description is damaged. */
export async function readLayerRecord(folder: ContentFolder, diffId: Digest): Promise<LayerRecord | undefined> {
	const path = join(folder.layer(diffId), recordFile);
	const bytes = await withIo('read', path, () => ifExists(() => readFile(path)));
	if (bytes === undefined) return undefined;
	const end = bytes.lastIndexOf(newline) + 1;
	const middle = bytes.lastIndexOf(newline, end - 2) + 1;
	const body = bytes.subarray(0, end);
	if (end === 0 || middle === 0 || digestOf(body) !== bytes.toString('latin1', end)) return undefined;
	const index = parseLayerIndex(bytes.subarray(0, middle - 1));
	const digests = parseDigests(bytes.toString('latin1', middle, end));
	return index?.diffID !== diffId || digests === undefined ? undefined : {index, digests};
}

/** The file that holds a content of a layer, as trees of `composeTree` name it. */
export function contentPath(folder: ContentFolder, content: EntryContent): string | undefined {
	return content.kind === 'layer' ? join(folder.layer(content.layer.digest), String(content.offset)) : undefined;
}

const newline = 0x0a;

function parseDigests(text: string): ReadonlyMap<number, Digest> | undefined {
	let flat: unknown;
	try {
		flat = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (!Array.isArray(flat) || flat.length % 2 !== 0) return undefined;
	const digests = new Map<number, Digest>();
	for (let at = 0; at < flat.length; at += 2) {
		const [number, digest] = [flat[at] as unknown, flat[at + 1] as unknown];
		if (!Number.isSafeInteger(number) || !isDigest(digest)) return undefined;
		digests.set(number as number, digest);
	}
	return digests;
}
