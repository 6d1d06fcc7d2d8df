import type {Command, Heredoc} from '../syntax.js';

/** What a RUN executes: its arguments, and a script file that has to be there for it. */
export interface Invocation {
	readonly argv: readonly string[];
	/** A heredoc with a `#!` line, to be mounted executable at `path`. */
	readonly script?: {readonly path: string; readonly body: string};
}

const defaultShell = ['/bin/sh', '-c'];

/** Where scripts are mounted, as BuildKit does: a folder that is in no layer. */
export const scriptFolder = '/dev/pipes';

/**
 * The process of a RUN. A single heredoc is the whole command (a script of its own when it starts with `#!`); several, or
 * one among other words, are given to the shell as they were written.
 */
export function invocation(
	command: Command,
	heredocs: readonly Heredoc[],
	shell: readonly string[] = defaultShell,
): Invocation {
	if (command.form === 'json') return {argv: command.argv};
	const [first] = heredocs;
	if (first === undefined) return {argv: [...shell, command.text]};
	if (heredocs.length > 1 || !isHeredocOnly(command.text)) {
		const bodies = heredocs.map(heredoc => `\n${heredoc.body}${heredoc.name}`);
		return {argv: [...shell, command.text + bodies.join('')]};
	}
	if (!first.body.startsWith('#!')) return {argv: [...shell, first.body]};
	const path = `${scriptFolder}/${first.name.replaceAll(/[^\w.-]/g, '_')}`;
	return {argv: [...shell, path], script: {path, body: first.body}};
}

/** True for `<<EOF`, `<<-"EOF"`, `3<<EOF` with nothing else on the line. */
function isHeredocOnly(text: string): boolean {
	return /^\d*<<-?\s*(?:"[^"]*"|'[^']*'|[^\s"'<>|;&()]+)$/.test(text.trim());
}
