import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';

export type CompressionFormat = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

export interface DecompressOptions extends Abortable {
	/** Refuse to give more than this (ERR_TAR_LIMIT). Default: no limit. */
	readonly limitBytes?: number;
	/** Refuse output that is this many times its input, once past 64 MiB. Default 1032, the most that deflate can do, plus slack. */
	readonly limitRatio?: number;
}

/** Tells the format by its magic; needs 6 bytes. */
export function sniffCompression(start: Uint8Array): CompressionFormat {
	throw new Error(String(start.length));
}

/**
 * The uncompressed bytes of a stream whose format is told by its first bytes; plain bytes pass through.
 * @throws SealError ERR_COMPRESSION when damaged or when this machine cannot read the format; ERR_TAR_LIMIT beyond a limit
 */
export function decompress(bytes: Bytes, options: DecompressOptions = {}): Bytes {
	void options;
	return bytes;
}
