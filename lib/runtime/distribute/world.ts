import type {Abortable} from '../../core/events.js';
import type {BlobQuery, BlobState} from '../content/content.js';
import type {BlobParts, Part} from '../content/part.js';

/**
 * What distribution needs of the world. Real hosts and the simulator are two worlds under the very same scheduler, so a
 * claim about a thousand hosts is a claim about the code that runs.
 */
export interface DistributionWorld {
	readonly hosts: readonly DistributionHost[];
	/** Milliseconds that only grow. */
	now(): number;
	sleep(ms: number, options?: Abortable): Promise<void>;
}

export interface DistributionHost {
	readonly name: string;
	have(blobs: readonly BlobQuery[], options?: Abortable): Promise<readonly BlobState[]>;
	/** From the operator's store to the host, over the operator's own connection. */
	send(blob: BlobParts, part: Part, options?: Abortable): Promise<void>;
	/** The host fetches a part from another host and checks it. Rejects when the source is dead, slow or lies. */
	fetch(blob: BlobParts, part: Part, from: DistributionHost, options?: Abortable): Promise<void>;
	/** Begins to serve to the others; false when the host cannot listen. */
	serve(options?: Abortable): Promise<boolean>;
}
