import {SealError} from '../../../core/errors.js';
import type {Digest} from '../../../oci/digest.js';
import {openHostContent} from '../../content/open.js';
import type {BlobParts} from '../../content/part.js';
import {type AnnouncedBlob, parseAnnounced} from '../../distribute/announce.js';
import {readFrames} from '../../distribute/frames.js';
import type {AgentVerb} from '../protocol.js';

/** As it comes over the wire; the parts follow as frames. */
export interface ReceiveParams {
	readonly blobs: readonly AnnouncedBlob[];
}

/** How many parts were stored, in the order in which they came. Events say the same while more come. */
export interface Received {
	readonly stored: number;
}

/** Stores the parts that come after the params, as raw bytes over the operator's own channel. */
export const receive: AgentVerb<ReadonlyMap<Digest, BlobParts>, Received> = {
	name: 'receive',
	parse: value => parseAnnounced((value as Partial<ReceiveParams> | null)?.blobs),
	async run(blobs, {input, root, signal, event}) {
		if (input === undefined) throw new SealError('ERR_USAGE', 'The verb receive runs by itself, not in a session');
		const content = openHostContent(root);
		let stored = 0;
		for await (const frame of readFrames(input)) {
			const blob = blobs.get(frame.blob as Digest);
			const part = blob?.parts[frame.index];
			if (blob === undefined || part === undefined || part.sizeBytes !== frame.sizeBytes)
				throw new SealError('ERR_DISTRIBUTE', `Part ${frame.index} of ${frame.blob} was not announced`);
			await content.writePart(blob, part, frame.bytes, {signal});
			event({stored: ++stored} satisfies Received);
		}
		return {stored};
	},
};
