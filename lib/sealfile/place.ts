import type {Diagnostic, SourceRange} from './diagnostic.js';
import type {SealfileTree} from './syntax.js';
import type {Expansion} from './words/words.js';

/** The parts of a tree that a message about one of its instructions needs. */
export type SourceInfo = Pick<SealfileTree, 'file' | 'source' | 'directives'>;

interface Placed {
	readonly range: SourceRange;
}

export interface Finding extends Pick<Diagnostic, 'severity' | 'code' | 'message' | 'hint'> {
	readonly notes?: Diagnostic['notes'] | undefined;
}

/** A diagnostic about `at`, with the source line that the caret needs. */
export function diagnose(at: Placed, source: SourceInfo, finding: Finding): Diagnostic {
	const {hint, notes, ...rest} = finding;
	return {
		...rest,
		...(hint === undefined ? {} : {hint}),
		file: source.file,
		range: at.range,
		lineText: lineText(source, at.range.startLine),
		...(notes === undefined ? {} : {notes}),
	};
}

/** What an expansion has to say: the error that stopped it, or a warning for each variable that is not set. */
export function diagnoseExpansion(expansion: Expansion<unknown>, at: Placed, source: SourceInfo): Diagnostic[] {
	if (!expansion.ok) {
		return [diagnose(at, source, {severity: 'error', code: 'BadSubstitution', message: expansion.message})];
	}
	return expansion.names.unset.map(name =>
		diagnose(at, source, {
			severity: 'warning',
			code: 'UndefinedVar',
			message: `Usage of undefined variable '$${name}'`,
		}),
	);
}

/** The text of a line, counted from 1, without its line end; empty when there is no such line. */
export function lineOf(text: string, line: number): string {
	let start = 0;
	for (let i = 1; i < line; i++) {
		const end = text.indexOf('\n', start);
		if (end === -1) return '';
		start = end + 1;
	}
	return lineAt(text, start);
}

/** Where the lines of a source begin, found once: a file may have thousands of messages. */
const lineStarts = new WeakMap<SourceInfo, readonly number[]>();

function lineText(info: SourceInfo, line: number): string {
	let starts = lineStarts.get(info);
	if (starts === undefined) {
		const found = [0];
		for (let at = info.source.indexOf('\n'); at !== -1; at = info.source.indexOf('\n', at + 1)) found.push(at + 1);
		starts = found;
		lineStarts.set(info, starts);
	}
	const start = starts[line - 1];
	return start === undefined ? '' : lineAt(info.source, start);
}

/** A longer line is cut: nobody reads it, and it may be megabytes. */
const maxShown = 65_536;

/** The text of the line that begins at `start`, without its line end. */
export function lineAt(text: string, start: number): string {
	const end = text.indexOf('\n', start);
	const content = text.slice(start, Math.min(end === -1 ? text.length : end, start + maxShown));
	return content.endsWith('\r') ? content.slice(0, -1) : content;
}
