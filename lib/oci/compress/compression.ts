/** How layer bytes are compressed. `gzip-stable` gives the same bytes under every version of Node, at a third of the speed. */
export interface Compression {
	readonly algorithm: 'none' | 'gzip' | 'gzip-stable' | 'zstd';
	/** Always present for gzip and zstd. */
	readonly level?: number;
}

export const defaultCompression: Compression = {algorithm: 'gzip', level: 4};

/**
 * Reads `none`, `gzip`, `gzip:6`, `gzip-stable`, `zstd`, `zstd:19`.
 * @throws SealError ERR_COMPRESSION
 */
export function parseCompression(text: string): Compression {
	throw new Error(text);
}

/** The form that `parseCompression` reads, always with the level: part of cache keys. */
export function formatCompression(compression: Compression): string {
	return compression.level === undefined ? compression.algorithm : `${compression.algorithm}:${compression.level}`;
}
