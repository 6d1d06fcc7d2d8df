export type {HostFacts} from './facts/facts.js';
export {type GatherOptions, gatherFacts} from './facts/gather.js';
export type {Wanted} from './facts/wanted.js';
export type {HostFinding} from './preflight/finding.js';
export type {HostNeeds, PortNeed, PreflightOptions} from './preflight/options.js';
export {preflight} from './preflight/preflight.js';
