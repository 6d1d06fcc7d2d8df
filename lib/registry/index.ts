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
export {type EmbeddedRegistry, emptyRegistry, type LowerRegistry, openEmbedded} from './embed/lower.js';
export {type PlanEmbedOptions, planEmbed} from './embed/plan.js';
