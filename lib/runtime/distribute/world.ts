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

/**
 * A host under distribution. A call that rejects with a HostError of this very host says that the host itself is lost (its
 * connection, its disk): it is asked for nothing any more. A host that has died rejects what it was asked within some time,
 * and a call that is aborted rejects at once.
 */
export interface DistributionHost {
	readonly name: string;
	have(blobs: readonly BlobQuery[], options?: Abortable): Promise<readonly BlobState[]>;
	/** From the operator's store to the host, over the operator's own connection. What is no HostError of this host is the operator's own trouble. */
	send(blob: BlobParts, part: Part, options?: Abortable): Promise<void>;
	/**
	 * The host fetches a part from another host and checks it. Rejects when the source is dead, slow or lies: with anything but
	 * a HostError of this host.
	 */
	fetch(blob: BlobParts, part: Part, from: DistributionHost, options?: Abortable): Promise<void>;
	/** Begins to serve to the others; false when the host cannot listen. */
	serve(options?: Abortable): Promise<boolean>;
}
