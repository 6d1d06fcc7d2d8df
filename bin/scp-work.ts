import type {TreeReport} from '../lib/runtime/transport/trees.js';

/** What came to be on one host, or came from it. */
export interface Copied {
	readonly files: number;
	readonly sizeBytes: number;
	/** Less than the size where some of it was there already. */
	readonly movedBytes: number;
}

export interface CopyOptions {
	readonly as: 'root' | 'login';
	readonly mode: number | undefined;
	readonly owner: string | undefined;
}

/** One thing after another; the connection has no more to give to several at once. */
export async function copied<T>(items: readonly T[], copy: (item: T) => Promise<TreeReport>): Promise<Copied> {
	let [files, sizeBytes, movedBytes] = [0, 0, 0];
	for (const item of items) {
		const report = await copy(item);
		files += report.entries;
		sizeBytes += report.sizeBytes;
		movedBytes += report.movedBytes;
	}
	return {files, sizeBytes, movedBytes};
}
