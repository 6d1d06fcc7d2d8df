import type {RunConfig} from '../../oci/config.js';
import type {RunInstruction} from '../syntax.js';
import {argvOf} from './metadata.js';

/** How a RUN is executed. */
export interface RunCommand {
	readonly argv: readonly string[];
	/** A heredoc that starts with `#!`: to be placed as an executable file at this path, which is argv[0]. */
	readonly script?: {readonly path: string; readonly body: string};
}

/** Where scripts of RUN heredocs are mounted; the same place that BuildKit uses. */
export const scriptFolder = '/dev/pipes';

/**
 * The argument list of a RUN. A line that is one heredoc and nothing else runs its body by SHELL, or as a script when it
 * starts with `#!`; otherwise the line and the bodies are joined again and the shell reads the heredocs itself.
 */
export function runCommand(
	instruction: Pick<RunInstruction, 'command' | 'heredocs'>,
	config: Pick<RunConfig, 'Shell'>,
): RunCommand {
	const {command, heredocs} = instruction;
	const [first] = heredocs;
	if (command.form === 'json' || first === undefined) return {argv: argvOf(command, config)};
	if (heredocs.length === 1 && /^\d*<<-?\s*(?:"[^"]*"|'[^']*'|[^\s"']*)$/.test(command.text.trim())) {
		if (!first.body.startsWith('#!')) return {argv: argvOf({form: 'shell', text: first.body}, config)};
		// The name of a heredoc can be any text; that of a file must not lead anywhere else.
		const path = `${scriptFolder}/${first.name.replaceAll(/[^\w-]/g, '_')}`;
		return {argv: [path], script: {path, body: first.body}};
	}
	const text = [command.text, ...heredocs.map(({body, name}) => `${body}${name}`)].join('\n');
	return {argv: argvOf({form: 'shell', text}, config)};
}
