import {SealError} from '../../core/errors.js';
import {blockBytes} from './header.js';
import {parseDecimal} from './sparse.js';

/** More pieces than this are refused. */
const limitPieces = 100_000;

/**
 * Reads the map that version 1.0 of GNU's sparse files keeps in front of the data: decimal lines, padded to a block.
 */
export interface SparseMapReader {
	/** Bytes of blocks read so far. */
	readonly readBytes: number;
	/** Takes the next block; gives the map when it is complete. @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT */
	push(block: Buffer): number[] | undefined;
}

export function createSparseMapReader(): SparseMapReader {
	const numbers: number[] = [];
	let wanted = 1;
	let unfinished = '';
	let readBytes = 0;
	return {
		get readBytes() {
			return readBytes;
		},
		push(block) {
			readBytes += blockBytes;
			const lines = (unfinished + block.toString('latin1')).split('\n');
			unfinished = lines.pop() as string;
			for (const line of lines) {
				numbers.push(parseDecimal(line));
				if (numbers.length === 1) wanted = 1 + 2 * (numbers[0] as number);
				if (wanted > 2 * limitPieces)
					throw new SealError('ERR_TAR_LIMIT', 'The archive has a sparse file in too many pieces');
				if (numbers.length === wanted) return numbers.slice(1);
			}
			if (unfinished.length > 20) parseDecimal(unfinished);
			return undefined;
		},
	};
}
