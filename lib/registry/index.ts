export {embedEntries} from './embed/layer.js';
export {
	blobFile,
	embeddedRepository,
	layerLink,
	plainRepository,
	registryRoot,
	repositoryFolder,
	revisionLink,
	tagIndexLink,
	tagLink,
} from './embed/layout.js';
export {emptyRegistry, type LowerRegistry} from './embed/lower.js';
export {type EmbeddedRegistry, openEmbedded} from './embed/open-embedded.js';
export {type PlanEmbedOptions, planEmbed} from './embed/plan.js';
