import {basename} from 'node:path';
import {splitPort} from '../evaluate/ports.js';
import type {Stage} from '../evaluate/stages.js';
import {parseDirectives} from '../parse/directives.js';
import type {Instruction} from '../syntax.js';
import type {LintFile, Rule} from './rule.js';

/**
 * In a cluster image each element of CMD is a whole command line that a shell runs on a host, so the shell form is as good as
 * any there and the rule keeps quiet; no signal ever reaches such a command.
 */
const jsonArgsRecommended: Rule = {
	name: 'JSONArgsRecommended',
	description: 'CMD and ENTRYPOINT of container images should be JSON, so that signals reach the program.',
	*check(file) {
		for (const stage of file.groups.stages) {
			if (isClusterStage(stage, file) || stage.instructions.some(({kind}) => kind === 'SHELL')) continue;
			for (const instruction of stage.instructions) {
				const {kind} = instruction;
				if ((kind !== 'CMD' && kind !== 'ENTRYPOINT') || instruction.command.form === 'json') continue;
				yield {
					message: `JSON arguments recommended for ${kind} to prevent unintended behavior related to OS signals`,
					hint: `Write ${kind} ["program", "argument"].`,
					range: instruction.range,
				};
			}
		}
	},
};

const maintainerDeprecated: Rule = {
	name: 'MaintainerDeprecated',
	description: 'MAINTAINER has been replaced by a label.',
	*check(file) {
		for (const instruction of file.tree.instructions) {
			if (instruction.kind !== 'MAINTAINER') continue;
			yield {
				message: 'Maintainer instruction is deprecated in favor of using label',
				hint: `Write LABEL org.opencontainers.image.authors=${JSON.stringify(instruction.name)}.`,
				range: instruction.range,
			};
		}
	},
};

const workdirRelativePath: Rule = {
	name: 'WorkdirRelativePath',
	description: 'The first WORKDIR of a stage should be absolute.',
	*check(file) {
		const absolute = new Map<string, boolean>([['scratch', true]]);
		for (const stage of file.groups.stages) {
			let known = absolute.get(stage.from.image.toLowerCase()) ?? false;
			for (const instruction of stage.instructions) {
				if (instruction.kind !== 'WORKDIR') continue;
				const path = instruction.path.replace(/^["']/, '');
				// What a variable holds is not known here; giving it the benefit of the doubt keeps the rule free of guesses.
				if (!known && !path.startsWith('/') && !path.startsWith('$')) {
					const message = `Relative workdir ${JSON.stringify(instruction.path)} can have unexpected results if the base image changes`;
					yield {message, hint: 'Write an absolute path.', range: instruction.range};
				}
				known = true;
			}
			if (stage.name !== undefined) absolute.set(stage.name, known);
		}
	},
};

const legacyKeyValueFormat: Rule = {
	name: 'LegacyKeyValueFormat',
	description: 'ENV and LABEL should be written with an equals sign.',
	*check(file) {
		for (const instruction of file.tree.instructions) {
			if ((instruction.kind !== 'ENV' && instruction.kind !== 'LABEL') || !instruction.legacy) continue;
			const {kind, pairs} = instruction;
			const message = `"${kind} key=value" should be used instead of legacy "${kind} key value" format`;
			yield {message, hint: `Write ${kind} ${pairs[0]?.key}="...".`, range: instruction.range};
		}
	},
};

const secretNames = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const publicNames = /(?:_|^)public(?:_|$)/i;

const secretsUsedInArgOrEnv: Rule = {
	name: 'SecretsUsedInArgOrEnv',
	description: 'Secrets do not belong into ARG and ENV: they stay in the image.',
	*check(file) {
		for (const instruction of file.tree.instructions) {
			const names =
				instruction.kind === 'ARG'
					? instruction.args.map(({name}) => name)
					: instruction.kind === 'ENV'
						? instruction.pairs.map(({key}) => key)
						: [];
			for (const name of names) {
				if (!secretNames.test(name) || publicNames.test(name)) continue;
				const message = `Do not use ARG or ENV instructions for sensitive data (${instruction.kind} "${name}")`;
				const range = file.wordRange(instruction, text => text === name || text.startsWith(`${name}=`));
				yield {message, hint: 'Use RUN --mount=type=secret.', range};
			}
		}
	},
};

const exposeProtoCasing: Rule = {
	name: 'ExposeProtoCasing',
	description: 'The protocol of EXPOSE should be lower case.',
	*check(file) {
		for (const [instruction, port] of exposed(file)) {
			const {protocol} = splitPort(port);
			if (protocol === protocol.toLowerCase() || protocol.includes('$')) continue;
			const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
			yield {
				message,
				hint: `Write ${protocol.toLowerCase()}.`,
				range: file.wordRange(instruction, text => text === port),
			};
		}
	},
};

const exposeInvalidFormat: Rule = {
	name: 'ExposeInvalidFormat',
	description: 'EXPOSE names ports of the container only.',
	*check(file) {
		for (const [instruction, port] of exposed(file)) {
			const {ip, hostPort} = splitPort(port);
			if ((ip === '' && hostPort === '') || port.includes('${')) continue;
			const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
			yield {
				message,
				hint: 'Write the port of the container alone.',
				range: file.wordRange(instruction, text => text === port),
			};
		}
	},
};

const copyIgnoredFile: Rule = {
	name: 'CopyIgnoredFile',
	description: 'COPY and ADD should not name a file that the ignore file hides.',
	*check(file) {
		const {isIgnored} = file.options;
		if (isIgnored === undefined) return;
		for (const instruction of file.tree.instructions) {
			if (instruction.kind !== 'COPY' && instruction.kind !== 'ADD') continue;
			if (instruction.kind === 'COPY' && instruction.from !== undefined) continue;
			for (const source of instruction.sources) {
				if (/[$*?[\]"'\\]|^[a-z]+:\/\/|^git@/i.test(source)) continue;
				const path = source.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
				if (path === '' || path === '.' || !isIgnored(path)) continue;
				const message = `Attempting to ${instruction.kind} file "${source}" that is excluded by the ignore file`;
				const hint = 'Add an exception for it to the ignore file.';
				yield {message, hint, range: file.wordRange(instruction, text => text === source)};
			}
		}
	},
};

const invalidDefinitionDescription: Rule = {
	name: 'InvalidDefinitionDescription',
	description: 'A comment above FROM or ARG should begin with the name it describes.',
	experimental: true,
	*check(file) {
		const {lineCount} = parseDirectives(file.tree.source);
		for (const instruction of file.tree.instructions) {
			const names =
				instruction.kind === 'ARG'
					? instruction.args.map(({name}) => name)
					: instruction.kind === 'FROM'
						? [instruction.name]
						: [];
			const [name] = names;
			const line = instruction.range.startLine - 1;
			const comment = /^\s*#(.*)$/.exec(file.lines[line - 1] ?? '')?.[1]?.trim();
			if (name === undefined || comment === undefined || line <= lineCount) continue;
			if (names.some(known => comment.split(' ')[0] === known)) continue;
			yield {
				message: `Comment for ${instruction.kind === 'FROM' ? 'build stage' : 'build argument'} should follow the format: \`# ${name} <description>\``,
				hint: 'Add an empty line below a comment that is no description.',
				range: instruction.range,
			};
		}
	},
};

export const instructionRules: readonly Rule[] = [
	jsonArgsRecommended,
	maintainerDeprecated,
	workdirRelativePath,
	legacyKeyValueFormat,
	secretsUsedInArgOrEnv,
	exposeProtoCasing,
	exposeInvalidFormat,
	copyIgnoredFile,
	invalidDefinitionDescription,
];

/** Sealos and sealimage spell the labels of cluster images with these prefixes. */
const clusterLabel = /^["']?(?:apps\.)?(?:sealos\.io|sealimage\.io)[./]/;

/** Whether a stage builds a cluster image: see `LintOptions.clusterImage`. */
export function isClusterStage(stage: Stage, file: LintFile): boolean {
	const {clusterImage} = file.options;
	if (clusterImage !== undefined) return clusterImage;
	if (/^(?:sealfile|kubefile)(?:\.|$)|\.(?:sealfile|kubefile)$/i.test(basename(file.tree.file))) return true;
	return stage.instructions.some(
		instruction => instruction.kind === 'LABEL' && instruction.pairs.some(({key}) => clusterLabel.test(key)),
	);
}

function* exposed(file: LintFile): Generator<readonly [Instruction, string]> {
	for (const instruction of file.tree.instructions) {
		if (instruction.kind === 'EXPOSE') for (const port of instruction.ports) yield [instruction, port];
	}
}
