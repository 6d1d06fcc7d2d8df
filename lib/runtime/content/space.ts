import {statfs} from 'node:fs/promises';
import {formatBytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {withIo} from '../../core/io-error.js';

/** What stays free when content fills a disk: other programs on the host write to it too. */
const reserveBytes = 64 * 1024 * 1024;
const reserveShare = 0.02;

/** How many bytes the file system of a folder takes before content is refused; 0 when it is full. */
export async function freeBytesIn(path: string): Promise<number> {
	const {bsize, blocks, bavail} = await withIo('look at the disk of', path, () => statfs(path));
	return Math.max(0, bavail * bsize - Math.min(reserveBytes, blocks * bsize * reserveShare));
}

/**
 * Refuses what cannot fit, before a byte of it is written.
 * @param what "unpacking docker.io/labring/kubernetes:v1.30"
 * @throws SealError ERR_NO_SPACE
 */
export async function checkSpace(path: string, neededBytes: number, what: string): Promise<void> {
	const free = await freeBytesIn(path);
	if (neededBytes <= free) return;
	throw new SealError(
		'ERR_NO_SPACE',
		`The disk of ${path} is too small for ${what}: it needs ${formatBytes(neededBytes)}, ${formatBytes(free)} are free`,
		{
			hint: 'Free space on that disk, or remove images that are not needed there any more.',
			details: {path, neededBytes, freeBytes: free},
		},
	);
}
