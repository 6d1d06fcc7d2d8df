export {planAdd} from './add/plan-add.js';
export type * from './add/types.js';
export {buildImage, planBuild} from './build/build.js';
export type {BuildOptions, BuildResult, BuildStore, BuiltPlatform} from './build/options.js';
export type {BuildPlan, PlatformPlan, StagePlan, StepPlan} from './build/plan.js';
export {type ContextXattrs, openContextXattrs} from './context/context-xattrs.js';
export type * from './context/file-source.js';
export {findIgnoreRules, type IgnoreRules} from './context/ignore.js';
export {type ContextOptions, openContext} from './context/open-context.js';
export {treeSource} from './context/tree-source.js';
export {resolveCopy} from './copy/resolve-copy.js';
export type * from './copy/types.js';
export type {Diagnostic, SourceRange} from './diagnostic.js';
export {type DiscoverOptions, discoverImages} from './discover/discover.js';
export {type FindHelmOptions, findHelm, type HelmCommand, type HelmResult} from './discover/helm.js';
export {sourceFiles} from './discover/source-files.js';
export type * from './discover/types.js';
export type {RegistryEmbedder} from './embed/embedder.js';
export {
	createLock,
	type EmbedLock,
	findLocked,
	formatLock,
	type LockedDocument,
	type LockedImage,
	lockPath,
	mergeLocks,
	parseLock,
	unusedLocks,
} from './embed/lock.js';
export {
	type NamedSource,
	type ResolvedImage,
	type ResolveImagesOptions,
	type ResolveMemo,
	resolveImages,
	toEmbedImages,
} from './embed/resolve-images.js';
export {refuseErrors, SealfileError} from './error.js';
export {type Expanded, expandInstruction} from './evaluate/expand.js';
export {historyText, runHistoryText} from './evaluate/history-text.js';
export {
	applyMetadata,
	argvOf,
	isMetadata,
	type MetadataInstruction,
	type MetadataResult,
	openStage,
	resolveWorkdir,
	type StageState,
} from './evaluate/metadata.js';
export {type RunCommand, runCommand} from './evaluate/run-command.js';
export {
	type BuildVariables,
	type HeaderScope,
	openHeader,
	runEnvironment,
	type StageScope,
	unusedBuildArgs,
} from './evaluate/scope.js';
export {
	type ResolvedStage,
	reachableStages,
	resolveSource,
	resolveStages,
	type StageDependencies,
	type StageSource,
	sourceWords,
	stageDependencies,
} from './evaluate/stage-graph.js';
export {findStage, groupStages, type Stage, type StageGroups, selectTarget} from './evaluate/stages.js';
export {type BaseLintOptions, baseImageRules, lintBases} from './lint/base-images.js';
export {type ClusterLint, type ClusterLintOptions, clusterRules, lintCluster} from './lint/cluster.js';
export {lintRules, lintSealfile} from './lint/lint.js';
export type {LintFile, LintFinding, LintOptions, Rule} from './lint/rule.js';
export type {MergeConflict} from './merge/conflict.js';
export {type MergedImage, type MergeOptions, mergeImages} from './merge/merge.js';
export {detectSyntax} from './parse/directives.js';
export {type LocatedSealfile, locateSealfile, sealfileNames} from './parse/locate.js';
export {type ParsedTrigger, parseSealfile, parseTrigger, type TriggerPlace} from './parse/parse.js';
export {printSealfile} from './parse/print.js';
export type * from './syntax.js';
export {type Expansion, expandWord, expandWords, type Lookup} from './words/words.js';
