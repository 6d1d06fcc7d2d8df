import {SealError} from '../core/errors.js';
import type {OperationOptions} from '../core/events.js';
import type {ImageSink, ImageSource} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Platform} from './platform.js';

export interface CopyOptions extends OperationOptions {
	/** The name in the sink; default is the name in the source. */
	readonly as?: string;
	/** Copy only the image for this platform out of an index. */
	readonly platform?: Platform;
	/** With `platform`: keep the index bytes (and digest) although only one child comes along. */
	readonly keepIndex?: boolean;
	/** Blobs in flight; default 4. */
	readonly concurrency?: number;
}

/**
 * The one verb that moves images: everything that `reference` reaches in `source` is stored in `sink`, children before
 * parents, the name last. Content that the sink has is skipped. Resolves with the descriptor that the name now points to.
 * @throws ContentError telling which side failed; SealError ERR_PLATFORM, ERR_IMAGE_UNKNOWN
 */
export async function copy(
	_source: ImageSource,
	reference: string,
	_sink: ImageSink,
	_options: CopyOptions = {},
): Promise<Descriptor> {
	throw new SealError('ERR_INTERNAL', `${reference} cannot be copied yet`);
}
