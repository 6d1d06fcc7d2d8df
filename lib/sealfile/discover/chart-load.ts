import {collect, oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {decompress} from '../../oci/compress/decompress.js';
import {readTar} from '../../oci/tar/read.js';
import type {TreeFile, TreeFiles} from '../../oci/tree/files.js';

/** A chart in an image: a folder below `charts/`, or a packed one. */
export interface ChartPlace {
	/** `charts/ingress-nginx` or `charts/redis-18.0.0.tgz`. */
	readonly path: string;
	readonly kind: 'folder' | 'packed';
	/** The last part of `path` without `.tgz`. */
	readonly baseName: string;
}

/** The files of a chart by path below its own folder. */
export type ChartFiles = ReadonlyMap<string, Uint8Array>;

/** All files of a chart together; charts are text and stay far below this. */
export const maxChartBytes = 64 * 1024 * 1024;
const maxChartFiles = 20_000;

/** The charts directly below `charts/`: a folder is one when it has a Chart.yaml. */
export function findCharts(files: readonly TreeFile[]): readonly ChartPlace[] {
	return files.flatMap(({path}): ChartPlace[] => {
		const folder = /^charts\/([^/]+)\/Chart\.ya?ml$/.exec(path)?.[1];
		if (folder !== undefined) return [{path: `charts/${folder}`, kind: 'folder', baseName: folder}];
		const packed = /^charts\/([^/]+)\.(?:tgz|tar\.gz)$/.exec(path)?.[1];
		return packed === undefined ? [] : [{path, kind: 'packed', baseName: packed}];
	});
}

/**
 * Reads a chart into memory.
 * @throws SealError ERR_TAR_LIMIT when it is larger than any chart, ERR_TAR_FORMAT, ERR_COMPRESSION
 */
export async function loadChart(
	place: ChartPlace,
	listing: readonly TreeFile[],
	files: TreeFiles,
	options: Abortable,
): Promise<ChartFiles> {
	if (place.kind === 'packed') {
		for await (const {bytes} of files.read([place.path], {...options, limitBytes: maxChartBytes}))
			return await unpackChart(bytes, place.path, options);
		return new Map();
	}
	const own = listing.filter(file => file.path.startsWith(`${place.path}/`));
	const sizeBytes = own.reduce((sum, file) => sum + file.sizeBytes, 0);
	if (sizeBytes > maxChartBytes || own.length > maxChartFiles) throw tooLarge(place.path);
	const result = new Map<string, Uint8Array>();
	const paths = own.map(file => file.path);
	for await (const {path, bytes} of files.read(paths, {...options, limitBytes: maxChartBytes}))
		result.set(path.slice(place.path.length + 1), bytes);
	return result;
}

/** The files of a packed chart, without the one folder that helm packs around them. */
export async function unpackChart(packed: Uint8Array, name: string, options: Abortable): Promise<ChartFiles> {
	const result = new Map<string, Uint8Array>();
	let sizeBytes = 0;
	const plain = decompress(oneChunk(packed), {...options, limitBytes: 2 * maxChartBytes});
	for await (const entry of readTar(plain, {...options, limitEntries: maxChartFiles})) {
		if (entry.header.type !== 'file') continue;
		sizeBytes += entry.header.size;
		if (sizeBytes > maxChartBytes) throw tooLarge(name);
		const slash = entry.header.path.indexOf('/');
		if (slash !== -1)
			result.set(entry.header.path.slice(slash + 1), await collect(entry.content, maxChartBytes, entry.header.path));
	}
	return result;
}

function tooLarge(name: string): SealError {
	return new SealError(
		'ERR_TAR_LIMIT',
		`The chart ${name} has more than ${maxChartFiles} files or ${maxChartBytes} bytes, more than any chart needs`,
	);
}
