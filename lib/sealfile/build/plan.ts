import type {Descriptor} from '../../oci/descriptor.js';
import type {Diagnostic} from '../diagnostic.js';
import type {Discovery} from '../discover/types.js';

/** What one instruction would do, or did. */
export interface StepPlan {
	readonly line: number;
	readonly title: string;
	/** `metadata`: changes the config only. `cached`: its layer is there. `planned`: would be built. `built`: was built. */
	readonly outcome: 'metadata' | 'cached' | 'planned' | 'built';
	readonly layer?: Descriptor;
}

export interface StagePlan {
	readonly index: number;
	readonly name?: string | undefined;
	/** Where its RUN instructions run. */
	readonly platform: string;
	/** Which image of the result it is for. */
	readonly target: string;
	/** `scratch`, a stage or an image. */
	readonly base: string;
	readonly steps: readonly StepPlan[];
}

/** What a build would do: every stage that the target needs, per platform, in the order they end. */
export interface BuildPlan {
	readonly file: string;
	readonly context: string;
	readonly platforms: readonly PlatformPlan[];
	readonly diagnostics: readonly Diagnostic[];
}

export interface PlatformPlan {
	readonly platform: string;
	readonly stages: readonly StagePlan[];
	/** The container images that its final tree needs. */
	readonly images: Discovery['images'];
}
