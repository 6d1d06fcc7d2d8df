import type {Digest} from '../../../oci/digest.js';
import {keepFiles} from './collector.js';
import type {StockFolder} from './folder.js';
import type {Links} from './links.js';
import type {PutOptions, Writer} from './writer.js';

/**
 * Makes a link say `digest`. One that says it already is kept from a collector, with the content at `target`; it is written anew when
 * the collector was faster.
 */
export async function putLink(
	{folder, links, writer}: {readonly folder: StockFolder; readonly links: Links; readonly writer: Writer},
	path: string,
	digest: Digest,
	target: string,
	options: PutOptions = {},
): Promise<void> {
	const read = (): Promise<Digest | undefined> => links.read(path, 'moving').catch(() => undefined);
	if ((await read()) === digest) {
		await options.after;
		await keepFiles(folder, [path, target]);
		links.forget(path);
		if ((await read()) === digest) return;
	}
	await writer.write(path, digest, options);
	links.forget(path);
}
