import {realpath, stat} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import {mapBounded} from '../../core/pool.js';
import {withTempDir} from '../../core/temp-dir.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {formatPlatform, hostPlatform, normalizePlatform, type Platform} from '../../oci/platform.js';
import {formatReference, parseReference} from '../../oci/reference.js';
import {openContextXattrs} from '../context/context-xattrs.js';
import {findIgnoreRules, type IgnoreRules, readIgnoreFile} from '../context/ignore.js';
import {openContext} from '../context/open-context.js';
import {createSeenEntries} from '../context/seen-entries.js';
import {withAgent} from '../embed/agent.js';
import type {RegistryEmbedder} from '../embed/embedder.js';
import {embedNeeds, findNeeds, type Needs} from '../embed/needs.js';
import {refuseErrors} from '../error.js';
import {openHeader, unusedBuildArgs} from '../evaluate/scope.js';
import {type ResolvedStage, reachableStages, resolveStages, stageDependencies} from '../evaluate/stage-graph.js';
import {groupStages, selectTarget} from '../evaluate/stages.js';
import {locateSealfile} from '../parse/locate.js';
import {parseSealfile} from '../parse/parse.js';
import {diagnose} from '../place.js';
import type {SealfileTree} from '../syntax.js';
import {writeImage, writeIndex} from './assemble.js';
import {contextRecord} from './cache.js';
import {openKnownCopies} from './known-copies.js';
import type {BuildOptions, BuildResult, BuiltPlatform} from './options.js';
import type {BuildPlan, PlatformPlan, StagePlan} from './plan.js';
import {type BuildSession, openSession, report} from './session.js';
import {runStage, type StageOutcome, withExtraEnv} from './stage.js';
import type {ImageState} from './state.js';

/**
 * Builds an image: the target stage for each platform, the container images it needs embedded, config, manifest and
 * index written, then the names moved. An aborted or failed build leaves no names and no temporary files.
 * @throws SealfileError with diagnostics; SealError with `details.line` for what a step ran into
 */
export async function buildImage<Lower extends ImageSource>(
	options: BuildOptions,
	embedder: RegistryEmbedder<Lower>,
): Promise<BuildResult> {
	const tags = (options.tags ?? []).map(tag => formatReference(parseReference(tag)));
	return inSession(options, async (session, tree) => {
		const needs = await runPlatforms(session, tree, false);
		const embedded = await embedNeeds(
			session,
			needs.map(({need}) => need),
			embedder,
		);
		const built: BuiltPlatform[] = [];
		for (const {state, images} of embedded) {
			const complete = await withAgent(session, state);
			const written = await writeImage(session, finished(session, complete));
			built.push({
				...written,
				images: images.map(({name, chain}) => ({reference: name, digest: (chain[0] as Descriptor).digest})),
			});
		}
		const [first] = built;
		const descriptor = built.length > 1 || first === undefined ? await writeIndex(session, built) : first.manifest;
		options.signal?.throwIfAborted();
		for (const tag of tags) await session.store.tag(tag, descriptor, session.operation);
		return {descriptor, tags, platforms: built, diagnostics: session.diagnostics};
	});
}

/** What `buildImage` would do, without writing layers, running commands or moving names. Base images are brought into the store. */
export async function planBuild(options: BuildOptions): Promise<BuildPlan> {
	return inSession(options, async (session, tree) => {
		const outcomes = await runPlatforms(session, tree, true);
		const platforms = outcomes.map(
			({platform, stages, need}): PlatformPlan => ({
				platform: formatPlatform(platform),
				stages,
				images: need.discovery.images,
			}),
		);
		return {file: tree.file, context: options.context, platforms, diagnostics: session.diagnostics};
	});
}

interface PlatformOutcome {
	readonly platform: Platform;
	readonly stages: readonly StagePlan[];
	readonly need: Needs;
}

/** Reads the Sealfile and the context, and gives a session that is cleaned up whatever happens. */
async function inSession<R>(
	options: BuildOptions,
	work: (session: BuildSession, tree: SealfileTree) => Promise<R>,
): Promise<R> {
	options.signal?.throwIfAborted();
	const context = await realContext(options.context);
	const {file, bytes} = await locateSealfile(context, options.file, options);
	const tree = parseSealfile(bytes, {file});
	refuseErrors(tree.diagnostics);
	const ignore = options.ignoreFile === undefined ? findIgnoreRules(context, file) : ignoreFile(options.ignoreFile);
	const now = options.now ?? Date.now;
	const record = (kind: string, of: string): string => contextRecord(options.store.cacheDir, kind, of);
	const xattrs =
		options.contextXattrs === false ? undefined : openContextXattrs(context, record('xattrs', context), now);
	const seen = createSeenEntries(context);
	const known = openKnownCopies({file: record('copies', `${context}\0${file}`), root: context, seen, now});
	const source = openContext(context, {ignore, xattrs, seen});
	return withTempDir(options.store.tempDir, async scratchDir => {
		const session = openSession({options: {...options, context}, context: source, ignore, known, file, scratchDir});
		try {
			for (const diagnostic of tree.diagnostics) report(session, diagnostic);
			return await work(session, tree);
		} finally {
			await session.stats.save();
			await xattrs?.save();
			// Where attributes cannot be read now, a copy may come to something else when they can.
			if (xattrs?.isComplete() !== false) await known.save();
		}
	});
}

/** The target stage for every platform, side by side; each with what discovery finds in its final tree. */
async function runPlatforms(
	session: BuildSession,
	tree: SealfileTree,
	dry: boolean,
): Promise<readonly PlatformOutcome[]> {
	const platforms = distinct(session.options.platforms ?? [hostPlatform()]);
	warnUnusedArgs(session, tree);
	return mapBounded(
		platforms,
		platforms.length,
		async platform => {
			const {state, stages} = await runTarget(session, tree, platform, dry);
			return {platform, stages, need: await findNeeds(session, state)};
		},
		session.operation,
	);
}

async function runTarget(
	session: BuildSession,
	tree: SealfileTree,
	platform: Platform,
	dry: boolean,
): Promise<{readonly state: ImageState; readonly stages: readonly StagePlan[]}> {
	const {options} = session;
	const {globalArgs, stages: grouped, diagnostics} = groupStages(tree);
	refuseErrors(diagnostics);
	for (const diagnostic of diagnostics) report(session, diagnostic);
	const header = openHeader(
		globalArgs,
		{
			buildArgs: new Map(Object.entries(options.buildArgs ?? {})),
			buildPlatform: hostPlatform(),
			targetPlatform: platform,
			targetStage: options.target,
		},
		tree,
	);
	const stages = resolveStages(grouped, header, tree);
	const target = selectTarget(stages, options.target, tree);
	const dependencies = stageDependencies(stages, tree);
	for (const diagnostic of [...header.warnings, ...target.warnings]) report(session, diagnostic);
	const chain = chainOf(stages, target);
	const plans: StagePlan[] = [];
	const running = new Map<number, Promise<StageOutcome>>();
	const stageAt = async (index: number): Promise<ImageState> => {
		const stage = stages[index];
		if (stage === undefined) throw new SealError('ERR_INTERNAL', `There is no stage ${index}`);
		let outcome = running.get(index);
		if (outcome === undefined) {
			outcome = runStage({
				session,
				tree,
				stages,
				stage,
				header,
				target: platform,
				stageAt,
				compressed: chain.has(index),
				dry,
			});
			running.set(index, outcome);
			outcome.then(({plan}) => plans.push(plan)).catch(() => undefined);
		}
		return (await outcome).state;
	};
	// Every stage starts now and waits only for what it needs; a failure is met where its stage is used.
	for (const index of reachableStages(dependencies, target.index)) stageAt(index).catch(() => undefined);
	return {state: await settled(stageAt(target.index), running), stages: plans};
}

/** The stages whose layers end up in the image: the target and what it is built FROM. */
function chainOf(stages: readonly ResolvedStage[], target: ResolvedStage): ReadonlySet<number> {
	const chain = new Set<number>();
	let at: ResolvedStage | undefined = target;
	while (at !== undefined) {
		chain.add(at.index);
		at = at.base.kind === 'stage' ? stages[at.base.index] : undefined;
	}
	return chain;
}

/** Waits for every stage, also when one failed: nothing is left running behind a rejected build. */
async function settled<T>(result: Promise<T>, running: ReadonlyMap<number, Promise<unknown>>): Promise<T> {
	try {
		return await result;
	} finally {
		await Promise.allSettled(running.values());
	}
}

/** What flags add to the config of the result. */
function finished(session: BuildSession, state: ImageState): ImageState {
	const {labels, env} = session.options;
	const stage = withExtraEnv(state.stage, env ?? {});
	if (labels === undefined || Object.keys(labels).length === 0) return {...state, stage};
	return {...state, stage: {...stage, config: {...stage.config, Labels: {...stage.config.Labels, ...labels}}}};
}

function warnUnusedArgs(session: BuildSession, tree: SealfileTree): void {
	const [first] = tree.instructions;
	if (first === undefined) return;
	const names = unusedBuildArgs(new Map(Object.entries(session.options.buildArgs ?? {})), tree.instructions);
	if (names.length === 0) return;
	const message = `One or more build arguments were not used: ${names.join(', ')}`;
	report(session, diagnose(first, tree, {severity: 'warning', code: 'UnusedBuildArg', message}));
}

function distinct(platforms: readonly Platform[]): readonly Platform[] {
	return [
		...new Map(
			platforms.map(platform => [formatPlatform(normalizePlatform(platform)), normalizePlatform(platform)]),
		).values(),
	];
}

async function realContext(context: string): Promise<string> {
	const found = await stat(context).catch((error: unknown) => {
		throw new SealError('ERR_CONTEXT', `The build context ${context} cannot be read`, {
			hint: 'Name the folder that holds the files of the image.',
			cause: error,
		});
	});
	if (!found.isDirectory()) {
		throw new SealError('ERR_CONTEXT', `The build context ${context} is not a folder`, {
			hint: 'Name a folder; a single Sealfile is named with -f.',
		});
	}
	return realpath(context);
}

function ignoreFile(path: string): IgnoreRules {
	const rules = readIgnoreFile(path);
	if (rules === undefined)
		throw new SealError('ERR_CONTEXT', `The ignore file ${path} does not exist`, {
			hint: 'Check the path given with --ignorefile.',
		});
	return rules;
}
