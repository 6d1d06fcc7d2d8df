import type {FakeHost} from './host.js';

/** The input of a command, up to where it ends or the connection is lost. */
export type TakeInput = () => AsyncIterable<Buffer>;

/** What came, also when the connection was lost or the caller stopped. */
export async function gather(input: AsyncIterable<Buffer>): Promise<Buffer> {
	const chunks: Buffer[] = [];
	try {
		for await (const chunk of input) chunks.push(chunk);
	} catch {
		// A part is as good as what a real host has on its disk then.
	}
	return Buffer.concat(chunks);
}

/** A line of `df -Pk`. */
export function dfLine(host: FakeHost): string {
	const kibibytes = Math.min(Math.floor(host.files.freeBytes / 1024), 1_000_000_000);
	return `/dev/fake 1000000000 0 ${kibibytes} 0% /`;
}
