import {SealError} from '../../core/errors.js';
import {mediaTypes} from '../media-types.js';

/** How layer bytes are compressed. `gzip-stable` gives the same bytes under every version of Node, more slowly. */
export interface Compression {
	readonly algorithm: 'none' | 'gzip' | 'gzip-stable' | 'zstd';
	/** Present for gzip (1 to 9) and zstd (1 to 19). */
	readonly level?: number;
}

/** Level 4 is 1.6 times as fast as zlib's usual 6 for about 3% more bytes on programs. */
export const defaultCompression: Compression = {algorithm: 'gzip', level: 4};

const levels = {gzip: {usual: 4, highest: 9}, zstd: {usual: 3, highest: 19}} as const;

/**
 * Reads `none`, `gzip`, `gzip:6`, `gzip-stable`, `zstd`, `zstd:19`.
 * @throws SealError ERR_COMPRESSION
 */
export function parseCompression(text: string): Compression {
	const match = /^(?:(none|gzip-stable)|(gzip|zstd)(?::([0-9]{1,2}))?)$/.exec(text);
	if (match === null) throw unknown(text);
	const [, plain, levelled, digits] = match as unknown as [string, 'none' | 'gzip-stable' | undefined, string, string?];
	if (plain !== undefined) return {algorithm: plain};
	const algorithm = levelled as 'gzip' | 'zstd';
	const level = digits === undefined ? levels[algorithm].usual : Number(digits);
	if (level < 1 || level > levels[algorithm].highest) throw unknown(text);
	return {algorithm, level};
}

/** The form that `parseCompression` reads, always with the level: part of cache keys. */
export function formatCompression(compression: Compression): string {
	const {algorithm} = compression;
	if (algorithm === 'none' || algorithm === 'gzip-stable') return algorithm;
	return `${algorithm}:${compression.level ?? levels[algorithm].usual}`;
}

/**
 * The media type of a layer compressed this way.
 * @throws SealError ERR_COMPRESSION for zstd among docker's types, which have no name for it
 */
export function layerMediaType(compression: Compression, family: 'oci' | 'docker' = 'oci'): string {
	switch (compression.algorithm) {
		case 'none':
			return family === 'oci' ? mediaTypes.layer : mediaTypes.dockerLayer;
		case 'gzip':
		case 'gzip-stable':
			return family === 'oci' ? mediaTypes.layerGzip : mediaTypes.dockerLayerGzip;
		case 'zstd':
			if (family === 'oci') return mediaTypes.layerZstd;
			throw new SealError('ERR_COMPRESSION', "Docker's media types have no zstd layers", {
				hint: 'Use gzip, or the OCI media types.',
			});
	}
}

function unknown(text: string): SealError {
	return new SealError('ERR_COMPRESSION', `"${text.slice(0, 80)}" is not a compression`, {
		hint: 'Write none, gzip, gzip-stable or zstd; gzip may have a level from 1 to 9 and zstd from 1 to 19, as in gzip:6.',
	});
}
