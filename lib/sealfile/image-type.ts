import {SealError} from '../core/errors.js';

export type ClusterImageType = 'rootfs' | 'application' | 'patch';

/** The shell lines that a rootfs image names for the steps of a host. */
export type HookName =
	| 'check'
	| 'init'
	| 'clean'
	| 'init-registry'
	| 'clean-registry'
	| 'init-cri'
	| 'clean-cri'
	| 'upgrade';

/** What the labels of an image say about its part in a cluster. */
export interface ClusterImageFacts {
	readonly type: ClusterImageType;
	/** True when a label says so; otherwise `application` is assumed. */
	readonly typed: boolean;
	/** Version of the contract between image and tool (`v1beta1`, `v1beta2`). */
	readonly contract?: string | undefined;
	/** Version of what is inside: for a rootfs the Kubernetes version. */
	readonly version?: string | undefined;
	readonly distribution: string;
	readonly hooks: Readonly<Partial<Record<HookName, string>>>;
	readonly image?: string | undefined;
	readonly vip?: string | undefined;
	/** The label `sealimage.io/image-fields`. */
	readonly imageFields?: string | undefined;
	readonly warnings: readonly string[];
}

/**
 * Reads labels in all spellings: `sealimage.io/`, `apps.sealos.io/`, `sealos.io.`; the first that is there counts.
 * @throws SealError ERR_IMAGE_TYPE when two spellings give different types, or a type is unknown
 */
export function readImageFacts(_labels: Readonly<Record<string, string>> | undefined): ClusterImageFacts {
	throw new SealError('ERR_INTERNAL', 'Labels cannot be read yet');
}
