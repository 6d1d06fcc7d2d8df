import type {RunConfig} from '../../oci/config.js';
import type {AddInstruction, CopyInstruction, Instruction} from '../syntax.js';
import {parsePorts} from './ports.js';
import {runHistoryArgs, type StageScope} from './scope.js';

/**
 * `created_by` of the history entry that an expanded instruction makes, or undefined when it makes none (FROM, ONBUILD).
 * The texts are BuildKit's without its `# buildkit` mark, except HEALTHCHECK, where BuildKit prints a data structure and
 * this prints the instruction. `config` is the config after the instruction; RUN has a function of its own.
 */
export function historyText(instruction: Instruction, config: RunConfig): string | undefined {
	switch (instruction.kind) {
		case 'ARG':
			return `ARG ${instruction.args.map(({name, value}) => (value === undefined ? name : `${name}=${value}`)).join(' ')}`;
		case 'ENV':
		case 'LABEL':
			return `${instruction.kind} ${instruction.pairs.map(({key, value}) => `${key}=${value}`).join(' ')}`;
		case 'COPY':
		case 'ADD':
			return copyHistoryText(instruction);
		case 'CMD':
			return `CMD ${quoted(config.Cmd ?? [])}`;
		case 'ENTRYPOINT':
			return `ENTRYPOINT ${quoted(config.Entrypoint ?? [])}`;
		case 'SHELL':
			return `SHELL [${instruction.argv.join(' ')}]`;
		case 'VOLUME':
			return `VOLUME [${instruction.paths.join(' ')}]`;
		case 'EXPOSE': {
			const ports = parsePorts(instruction.ports);
			return `EXPOSE [${(ports.ok ? ports.ports : instruction.ports).join(' ')}]`;
		}
		case 'USER':
			return `USER ${instruction.user}`;
		case 'WORKDIR':
			return `WORKDIR ${config.WorkingDir ?? instruction.path}`;
		case 'STOPSIGNAL':
			return `STOPSIGNAL ${instruction.signal}`;
		case 'MAINTAINER':
			return `MAINTAINER ${instruction.name}`;
		case 'RUN':
		case 'HEALTHCHECK':
			return instruction.text;
		case 'FROM':
		case 'ONBUILD':
			return undefined;
	}
}

/** `RUN |1 NAME=value /bin/sh -c make`: the declared arguments, then the command as it was run. */
export function runHistoryText(argv: readonly string[], scope: StageScope): string {
	return ['RUN', ...runHistoryArgs(scope), ...argv].join(' ');
}

function copyHistoryText(instruction: CopyInstruction | AddInstruction): string {
	const words: string[] = [instruction.kind];
	if (instruction.kind === 'ADD' && instruction.checksum) words.push(`--checksum=${instruction.checksum}`);
	if (instruction.kind === 'COPY' && instruction.parents) words.push('--parents');
	if (instruction.chown) words.push(`--chown=${instruction.chown}`);
	if (instruction.chmod) words.push(`--chmod=${instruction.chmod}`);
	if (instruction.link) words.push('--link');
	words.push(...instruction.sources, ...instruction.heredocs.map(({name}) => `<<${name}`), instruction.destination);
	return words.join(' ');
}

/** As Go prints a list of quoted strings: `["/bin/sh" "-c" "x"]`. */
function quoted(argv: readonly string[]): string {
	return `[${argv.map(arg => JSON.stringify(arg)).join(' ')}]`;
}
