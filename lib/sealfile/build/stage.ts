import {isSealError, SealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import {formatPlatform, type Platform, parsePlatform} from '../../oci/platform.js';
import {SealfileError} from '../error.js';
import {expandInstruction} from '../evaluate/expand.js';
import {applyMetadata, isMetadata, openStage, type StageState} from '../evaluate/metadata.js';
import {type HeaderScope, withEnv} from '../evaluate/scope.js';
import {type ResolvedStage, resolveSource} from '../evaluate/stage-graph.js';
import {parseTrigger} from '../parse/parse.js';
import {diagnose, lineOf} from '../place.js';
import type {Instruction, SealfileTree} from '../syntax.js';
import {type BaseImage, loadBase} from './base.js';
import {addStep, copyStep} from './copy-step.js';
import type {StagePlan, StepPlan} from './plan.js';
import {createStageRootfs, runStep, type StageRootfs} from './run-step.js';
import {type BuildSession, report} from './session.js';
import {emptyState, type ImageState, treeOf, withMetadata} from './state.js';
import {placeOf, type StepPlace, type StepResult} from './steps.js';
import {workdirStep} from './workdir-step.js';

/** One stage for one target platform, and what it needs to be carried out. */
export interface StageRequest {
	readonly session: BuildSession;
	readonly tree: SealfileTree;
	readonly stages: readonly ResolvedStage[];
	readonly stage: ResolvedStage;
	readonly header: HeaderScope;
	/** What the build makes; a stage may say that it runs elsewhere (`FROM --platform`). */
	readonly target: Platform;
	/** The final state of an earlier stage; the first call starts it. */
	readonly stageAt: (index: number) => Promise<ImageState>;
	/** False for stages that only other stages copy from: their layers stay uncompressed, to be read in place. */
	readonly compressed: boolean;
	readonly dry: boolean;
}

export interface StageOutcome {
	readonly state: ImageState;
	readonly plan: StagePlan;
}

/** Carries out the instructions of a stage in order. */
export async function runStage(request: StageRequest): Promise<StageOutcome> {
	const {session, stage, target} = request;
	let state = await placed(request, stage.from, () => startState(request));
	const steps: StepPlan[] = [];
	const rootfs = createStageRootfs(session, () => state);
	try {
		const triggers = triggersOf(request, state);
		state = {...state, stage: {...state.stage, config: {...state.stage.config, OnBuild: undefined}}};
		const instructions = [...triggers, ...stage.instructions];
		for (const [number, instruction] of instructions.entries()) {
			session.operation.signal?.throwIfAborted();
			const result = await placed(request, instruction, () =>
				timedStep(request, instruction, `${number + 1}/${instructions.length}`, state, rootfs),
			);
			state = result.state;
			steps.push({
				line: instruction.range.startLine,
				title: instruction.text,
				outcome: result.outcome,
				...(result.layer === undefined ? {} : {layer: result.layer.descriptor}),
			});
		}
	} finally {
		await rootfs.close();
	}
	return {
		state,
		plan: {
			index: stage.index,
			name: stage.name,
			platform: formatPlatform(state.platform),
			target: formatPlatform(target),
			base: stage.from.image,
			steps,
		},
	};
}

async function startState(request: StageRequest): Promise<ImageState> {
	const {session, stage, header, target} = request;
	const platform = stage.platform === undefined ? target : parsePlatform(stage.platform);
	const {base} = stage;
	if (base.kind === 'scratch') return emptyState(platform, openStage(header, scratchConfig(session)));
	if (base.kind === 'image') return baseState(session, await loadBase(session, base.reference, platform), header);
	const parent = await request.stageAt(base.index);
	const {config, scope, author} = parent.stage;
	return {...parent, stage: {...openStage(header, config, scope.args), author}};
}

/** BuildKit gives scratch a PATH and a working directory; a cluster image runs no process and starts empty. */
function scratchConfig(session: BuildSession): StageState['config'] {
	if (session.options.scratchConfig !== 'buildkit') return {};
	return {Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], WorkingDir: '/'};
}

function baseState(session: BuildSession, base: BaseImage, header: HeaderScope): ImageState {
	const tree = treeOf(session, base.layers);
	return {
		platform: base.platform,
		stage: {...openStage(header, base.config.config ?? {}), author: base.config.author},
		layers: base.layers,
		history: base.config.history ?? [],
		newest: base.created,
		tree,
		files: tree,
	};
}

function triggersOf(request: StageRequest, state: ImageState): readonly Instruction[] {
	const {tree, stage} = request;
	return (state.stage.config.OnBuild ?? []).map(text => {
		const {instruction, diagnostics} = parseTrigger(text, {
			file: tree.file,
			range: stage.from.range,
			lineText: lineOf(tree.source, stage.from.range.startLine),
		});
		if (instruction === undefined) throw new SealfileError(diagnostics);
		return instruction;
	});
}

async function timedStep(
	request: StageRequest,
	instruction: Instruction,
	number: string,
	state: ImageState,
	rootfs: StageRootfs,
): Promise<StepResult> {
	const {session, stage, target} = request;
	const name = stage.name ?? (stage.index === 0 ? undefined : String(stage.index));
	const where = {platform: formatPlatform(target), ...(name === undefined ? {} : {stage: name})};
	const id = [where.platform, name, number].filter(Boolean).join(' ');
	const event = {id, title: instruction.text, ...where};
	const writes = !isMetadata(instruction) || instruction.kind === 'WORKDIR';
	if (!writes) return oneStep(request, instruction, id, state, rootfs);
	emit(session.operation, {type: 'step.started', ...event});
	const started = performance.now();
	const result = await oneStep(request, instruction, id, state, rootfs);
	const layer = result.layer === undefined ? {} : {digest: result.layer.descriptor.digest};
	if (result.outcome === 'cached') emit(session.operation, {type: 'step.cached', ...event, ...layer});
	else
		emit(session.operation, {
			type: 'step.finished',
			...event,
			...layer,
			...(result.layer === undefined ? {} : {sizeBytes: result.layer.descriptor.size}),
			elapsedMs: performance.now() - started,
		});
	return result;
}

async function oneStep(
	request: StageRequest,
	instruction: Instruction,
	id: string,
	state: ImageState,
	rootfs: StageRootfs,
): Promise<StepResult> {
	const {session, tree, dry} = request;
	const place: StepPlace = {
		session,
		source: tree,
		id,
		dry,
		compression: request.compressed ? session.compression : {algorithm: 'none'},
		from: name => sourceState(request, name, instruction, state.platform),
	};
	const expanded = expandInstruction(instruction, state.stage.scope, tree);
	for (const warning of expanded.warnings) report(session, warning);
	const final = expanded.instruction;
	let result: StepResult;
	if (final.kind === 'COPY') result = await copyStep(place, {...expanded, instruction: final}, state);
	else if (final.kind === 'ADD') result = await addStep(place, {...expanded, instruction: final}, state);
	else if (final.kind === 'RUN') return runStep(place, {...expanded, instruction: final}, state, rootfs);
	else if (isMetadata(final)) {
		const applied = applyMetadata(state.stage, final);
		if (!applied.ok) throw fault(request, instruction, 'InvalidInstruction', applied.message, applied.hint);
		if (final.kind !== 'WORKDIR')
			return {state: withMetadata(session, state, applied.state, applied.historyText), outcome: 'metadata'};
		result = await workdirStep(place, state, applied.state, applied.historyText ?? instruction.text);
	} else throw fault(request, instruction, 'MisplacedInstruction', `${instruction.kind} cannot stand here`);
	if (result.layer !== undefined) await rootfs.add(result.layer);
	return result;
}

/** `--from`: an earlier stage, or an image for the platform of this stage. */
async function sourceState(
	request: StageRequest,
	name: string,
	at: Instruction,
	platform: Platform,
): Promise<ImageState> {
	const source = resolveSource(name, request.stage, request.stages, at, request.tree);
	if (source.kind === 'stage') return request.stageAt(source.index);
	if (source.kind === 'scratch') return emptyState(platform, openStage(request.header));
	return baseState(request.session, await loadBase(request.session, source.reference, platform), request.header);
}

/** Runs part of a stage; what it throws is told which line it belongs to. */
async function placed<T>(request: StageRequest, at: Instruction, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!isSealError(error) || error instanceof SealfileError || error.details.line !== undefined) throw error;
		throw new SealError(error.code, error.message, {
			hint: error.hint,
			details: placeOf(error, at, request.tree),
			cause: error.cause,
		});
	}
}

function fault(request: StageRequest, at: Instruction, code: string, message: string, hint?: string): SealfileError {
	return new SealfileError([diagnose(at, request.tree, {severity: 'error', code, message, hint})]);
}

/** The variables that `--env` adds at the end, as ENV would. */
export function withExtraEnv(stage: StageState, env: Readonly<Record<string, string>>): StageState {
	const pairs = Object.entries(env).map(([key, value]) => ({key, value}));
	if (pairs.length === 0) return stage;
	const scope = withEnv(stage.scope, pairs);
	return {...stage, scope, config: {...stage.config, Env: [...scope.env].map(([name, value]) => `${name}=${value}`)}};
}
