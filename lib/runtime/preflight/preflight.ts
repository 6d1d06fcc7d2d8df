import type {HostFacts} from '../facts/facts.js';
import type {HostFinding} from './finding.js';
import type {PreflightOptions} from './options.js';

/** Judges hosts by their facts, each alone and all together. Errors come first. Pure: equal facts give equal findings. */
export function preflight(_facts: readonly HostFacts[], _options: PreflightOptions = {}): readonly HostFinding[] {
	return [];
}
