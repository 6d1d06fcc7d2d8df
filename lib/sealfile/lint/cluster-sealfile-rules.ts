import {posix} from 'node:path';
import {isSealError} from '../../core/errors.js';
import {commandLines, readImageFacts} from '../../oci/image-type.js';
import type {TreeFile} from '../../oci/tree/files.js';
import type {Stage} from '../evaluate/stages.js';
import type {CmdInstruction, EntrypointInstruction, LabelInstruction} from '../syntax.js';
import {type CalledCommand, calledCommands} from './command-words.js';
import {hostCommands} from './host-commands.js';
import {isClusterStage} from './instruction-rules.js';
import type {LintFile, LintFinding, Rule} from './rule.js';

/** What is known of the files of the image that a Sealfile builds. */
export interface KnownFiles {
	readonly files: readonly TreeFile[];
	/** True for the tree of a built image; false for a context, which the image may hold in part and elsewhere. */
	readonly built: boolean;
}

/** Folders whose programs a command line finds: a rootfs copies `bin` to `/usr/bin`, applications run beside theirs. */
const programFolders = /^(?:bin|opt|sbin|usr\/bin|usr\/sbin|usr\/local\/bin)\/(?:.*\/)?([^/]+)$/;

/** Checks of a Sealfile that need to know the files of its image. */
export function clusterSealfileRules(known: KnownFiles): readonly Rule[] {
	return [commandMissing(known), clusterLabels, registryCopied];
}

function commandMissing({files, built}: KnownFiles): Rule {
	return {
		name: 'CommandMissing',
		description: 'CMD should call programs that the image carries or that every host has.',
		*check(file) {
			const stage = finalStage(file);
			if (stage === undefined || (!built && !isWholeContext(stage))) return;
			const programs = new Set(files.flatMap(({path}) => programFolders.exec(path)?.[1] ?? []));
			const paths = new Set(files.map(({path}) => path));
			// Of a context the folder in the image is not known, so the name decides.
			const names = new Set(files.map(({path}) => posix.basename(path)));
			const hasFile = (path: string): boolean =>
				built ? paths.has(path) : paths.has(path) || names.has(posix.basename(path));
			for (const instruction of stage.instructions) {
				if (instruction.kind !== 'CMD' && instruction.kind !== 'ENTRYPOINT') continue;
				for (const call of callsOf(instruction)) {
					const finding = missing(call, programs, hasFile);
					if (finding !== undefined)
						yield {...finding, range: file.wordRange(instruction, text => text.includes(call.name))};
				}
			}
		},
	};
}

function missing(
	call: CalledCommand,
	programs: ReadonlySet<string>,
	hasFile: (path: string) => boolean,
): Omit<LintFinding, 'range'> | undefined {
	const {name, operand, moved} = call;
	const path = relativePath(name);
	if (path !== undefined) {
		if (moved || hasFile(path)) return undefined;
		return {
			message: `The command calls ${name}, which is not in the image`,
			hint: 'Copy the file, or correct its path.',
		};
	}
	if (name.startsWith('/')) return undefined;
	if (!hostCommands.has(name) && !programs.has(name)) {
		const hint =
			name === 'helm'
				? 'Copy helm to bin/, or run this image after one that brings helm.'
				: `Copy ${name} to bin/, or make sure that every host has it.`;
		return {message: `The command calls ${name}, which the image does not carry`, hint};
	}
	if (!/^(?:ba)?sh$|^source$|^\.$/.test(name) || operand === undefined || moved || !/^[\w./-]+$/.test(operand))
		return undefined;
	const script = posix.normalize(operand);
	if (script.startsWith('/') || script.startsWith('..') || hasFile(script)) return undefined;
	return {
		message: `The command runs the script ${operand}, which is not in the image`,
		hint: 'Copy the script, or correct its path.',
	};
}

/** `./x` and `scripts/x` are files of the image, which is where commands run. */
function relativePath(name: string): string | undefined {
	if (!name.includes('/') || name.startsWith('/')) return undefined;
	const path = posix.normalize(name);
	return path.startsWith('..') ? undefined : path;
}

function callsOf({command}: CmdInstruction | EntrypointInstruction): readonly CalledCommand[] {
	const lines = command.form === 'shell' ? [command.text] : commandLines(command.argv);
	return lines.flatMap(calledCommands);
}

const clusterLabels: Rule = {
	name: 'ClusterLabel',
	description: 'Labels of a cluster image should be known ones, and agree in all spellings.',
	*check(file) {
		const stage = finalStage(file);
		if (stage === undefined) return;
		const labels = new Map<string, {readonly value: string; readonly instruction: LabelInstruction}>();
		for (const instruction of stage.instructions) {
			if (instruction.kind !== 'LABEL') continue;
			for (const pair of instruction.pairs) {
				const [key, value] = [unquote(pair.key), unquote(pair.value)];
				if (/[$\\]/.test(key) || /[$\\]/.test(value)) continue;
				const before = labels.get(key);
				if (before !== undefined && before.value !== value && /(?:^sealos\.io\.|\.io\/)type$/.test(key)) {
					yield {
						message: `The label ${key} is ${before.value} above and ${value} here`,
						hint: 'Keep one of them.',
						range: instruction.range,
					};
				}
				labels.set(key, {value, instruction});
			}
		}
		yield* labelFindings(labels, file);
	},
};

function* labelFindings(
	labels: ReadonlyMap<string, {readonly value: string; readonly instruction: LabelInstruction}>,
	file: LintFile,
): Generator<LintFinding> {
	const rangeOf = (label: string): LintFinding['range'] => {
		const instruction =
			labels.get(label)?.instruction ?? ([...labels.values()][0] as {instruction: LabelInstruction}).instruction;
		return file.wordRange(instruction, text => unquote(text).startsWith(label));
	};
	try {
		const {warnings} = readImageFacts(Object.fromEntries([...labels].map(([key, {value}]) => [key, value])));
		for (const {message, hint, label, code} of warnings) {
			// A base image may bring the label.
			if (code === 'ContractMissing' && file.groups.stages.at(-1)?.from.image !== 'scratch') continue;
			const shown = labels.has(label) ? label : ([...labels.keys()].find(key => key.endsWith('type')) ?? label);
			yield {message, hint, range: rangeOf(shown)};
		}
	} catch (error) {
		if (!isSealError(error)) throw error;
		const type = [...labels.keys()].find(key => /(?:^sealos\.io\.|\.io\/)type$/.test(key)) ?? '';
		yield {severity: 'error', message: error.message, hint: error.hint, range: rangeOf(type)};
	}
}

const registryCopied: Rule = {
	name: 'RegistryCopied',
	description: 'The build embeds images itself; a registry folder need not be copied.',
	*check(file) {
		const stage = finalStage(file);
		for (const instruction of stage?.instructions ?? []) {
			if (instruction.kind !== 'COPY' || instruction.from !== undefined) continue;
			const source = instruction.sources.find(word => posix.normalize(unquote(word)).replace(/\/$/, '') === 'registry');
			if (source === undefined) continue;
			yield {
				message: 'The build finds and embeds the images itself; this COPY adds what an earlier tool saved',
				hint: 'Remove the line, and the folder registry from the context.',
				range: file.wordRange(instruction, text => text === source),
			};
		}
	},
};

/** The stage that is built by default, when it builds a cluster image. */
function finalStage(file: LintFile): Stage | undefined {
	const stage = file.groups.stages.at(-1);
	return stage !== undefined && isClusterStage(stage, file) ? stage : undefined;
}

/** Everything in the image is in the context too. */
function isWholeContext(stage: Stage): boolean {
	return (
		stage.from.image === 'scratch' &&
		stage.instructions.every(instruction => {
			if (instruction.kind === 'COPY') return instruction.from === undefined && instruction.heredocs.length === 0;
			return instruction.kind !== 'ADD' && instruction.kind !== 'RUN';
		})
	);
}

function unquote(word: string): string {
	return word.replace(/^(["'])(.*)\1$/s, '$2');
}
