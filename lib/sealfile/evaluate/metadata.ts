import {posix} from 'node:path';
import type {Healthcheck, RunConfig} from '../../oci/config.js';
import type {Command, HealthcheckInstruction, Instruction} from '../syntax.js';
import {historyText} from './history-text.js';
import {parsePorts} from './ports.js';
import {type HeaderScope, openStageScope, type StageScope, withArgs, withEnv} from './scope.js';
import {isSignal} from './signal.js';

/** Everything one stage knows between two instructions, but its files. */
export interface StageState {
	readonly config: RunConfig;
	readonly scope: StageScope;
	/** From MAINTAINER: the `author` of the image config. */
	readonly author?: string | undefined;
	/** CMD was set in this stage, so a later ENTRYPOINT keeps it. */
	readonly cmdSet: boolean;
}

/** The instructions that change the config alone. WORKDIR is among them: its folder is the engine's to make. */
export type MetadataInstruction = Exclude<Instruction, {kind: 'FROM' | 'COPY' | 'ADD' | 'RUN'}>;

export type MetadataResult =
	/** `historyText` is undefined for ONBUILD, which leaves no history entry. */
	| {readonly ok: true; readonly state: StageState; readonly historyText: string | undefined}
	| {readonly ok: false; readonly message: string; readonly hint?: string};

/** True for the instructions that `applyMetadata` takes. */
export function isMetadata(instruction: Instruction): instruction is MetadataInstruction {
	return !['FROM', 'COPY', 'ADD', 'RUN'].includes(instruction.kind);
}

/** A stage at its first instruction: on the config of its base image, or of the parent stage with `parentArgs`. */
export function openStage(header: HeaderScope, base: RunConfig = {}, parentArgs?: StageScope['args']): StageState {
	return {config: base, scope: openStageScope(header, base.Env, parentArgs), cmdSet: false};
}

/** Applies an instruction that `expandInstruction` has expanded. Pure: the result is a new state. */
export function applyMetadata(state: StageState, instruction: MetadataInstruction): MetadataResult {
	const done = (config: RunConfig, changes: Partial<StageState> = {}): MetadataResult => {
		const next = {...state, ...changes, config: {...state.config, ...config}};
		return {ok: true, state: next, historyText: historyText(instruction, next.config)};
	};
	switch (instruction.kind) {
		case 'ARG':
			return done({}, {scope: withArgs(state.scope, instruction.args)});
		case 'ENV': {
			const blank = instruction.pairs.some(({key}) => key === '');
			if (blank) return {ok: false, message: 'ENV names can not be blank'};
			const scope = withEnv(state.scope, instruction.pairs);
			return done({Env: [...scope.env].map(([name, value]) => `${name}=${value}`)}, {scope});
		}
		case 'LABEL': {
			const labels = new Map(Object.entries(state.config.Labels ?? {}));
			for (const {key, value} of instruction.pairs) labels.set(key, value);
			return done({Labels: Object.fromEntries(labels)});
		}
		case 'CMD':
			return done({Cmd: argvOf(instruction.command, state.config)}, {cmdSet: true});
		case 'ENTRYPOINT':
			return done({
				Entrypoint: noneIfEmpty(argvOf(instruction.command, state.config)),
				...(state.cmdSet ? {} : {Cmd: undefined}),
			});
		case 'SHELL':
			return done({Shell: instruction.argv});
		case 'WORKDIR':
			return done({WorkingDir: resolveWorkdir(state.config.WorkingDir, instruction.path)});
		case 'USER':
			return done({User: instruction.user});
		case 'STOPSIGNAL':
			if (!isSignal(instruction.signal)) {
				const hint = 'Use a signal number from 1 to 64 or a name such as SIGTERM.';
				return {ok: false, message: `Invalid signal: ${instruction.signal}`, hint};
			}
			return done({StopSignal: instruction.signal});
		case 'VOLUME': {
			if (instruction.paths.includes('')) return {ok: false, message: 'VOLUME specified can not be an empty string'};
			return done({Volumes: withKeys(state.config.Volumes, instruction.paths)});
		}
		case 'EXPOSE': {
			const ports = parsePorts(instruction.ports);
			return ports.ok ? done({ExposedPorts: withKeys(state.config.ExposedPorts, ports.ports)}) : ports;
		}
		case 'HEALTHCHECK':
			return done({Healthcheck: healthcheckOf(instruction)});
		case 'MAINTAINER':
			return done({}, {author: instruction.name});
		case 'ONBUILD':
			return done({OnBuild: [...(state.config.OnBuild ?? []), instruction.trigger]});
	}
}

/** The argument list that a command stands for: shell form goes behind SHELL. */
export function argvOf(command: Command, config: RunConfig): readonly string[] {
	return command.form === 'json' ? command.argv : [...(config.Shell ?? ['/bin/sh', '-c']), command.text];
}

/** A WORKDIR path on top of the one before it: absolute, cleaned, without a slash at its end. */
export function resolveWorkdir(current: string | undefined, path: string): string {
	const resolved = posix.resolve('/', current ?? '/', path);
	return resolved.startsWith('//') ? resolved.slice(1) : resolved;
}

function noneIfEmpty(argv: readonly string[]): readonly string[] | undefined {
	return argv.length === 0 ? undefined : argv;
}

function withKeys(map: Readonly<Record<string, object>> | undefined, keys: readonly string[]): Record<string, object> {
	return Object.fromEntries([...Object.entries(map ?? {}), ...keys.map(key => [key, {}] as const)]);
}

function healthcheckOf(instruction: HealthcheckInstruction): Healthcheck {
	const {test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries} = instruction;
	return {
		Test: test,
		...(intervalNs ? {Interval: intervalNs} : {}),
		...(timeoutNs ? {Timeout: timeoutNs} : {}),
		...(startPeriodNs ? {StartPeriod: startPeriodNs} : {}),
		...(startIntervalNs ? {StartInterval: startIntervalNs} : {}),
		...(retries ? {Retries: retries} : {}),
	};
}
