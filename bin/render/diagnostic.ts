import type {Diagnostic, SourceRange} from '../../lib/sealfile/diagnostic.js';
import type {Style} from './style.js';
import {printable, textWidth} from './text.js';

/** Long lines are shown in part: a Sealfile may have a line of 100 MB. */
const shownColumns = 100;

/** Diagnostics with their source lines and carets, and a count at the end. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], style: Style): string {
	return diagnostics.map(diagnostic => renderDiagnostic(diagnostic, style)).join('\n');
}

/** "2 errors, 1 warning", or "no problems". */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
	const errors = diagnostics.filter(diagnostic => diagnostic.severity === 'error').length;
	const warnings = diagnostics.length - errors;
	const parts = [
		...(errors > 0 ? [`${errors} error${errors === 1 ? '' : 's'}`] : []),
		...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? '' : 's'}`] : []),
	];
	return parts.length === 0 ? 'no problems' : parts.join(', ');
}

function renderDiagnostic(diagnostic: Diagnostic, style: Style): string {
	const color = diagnostic.severity === 'error' ? style.red : style.yellow;
	const {startLine, startColumn} = diagnostic.range;
	const gutter = String(startLine).length;
	const empty = `${' '.repeat(gutter)} ${style.dim('|')}`;
	const [shown, caret] = excerpt(diagnostic.lineText, diagnostic.range);
	return [
		`${style.bold(printable(`${diagnostic.file}:${startLine}:${startColumn}`))}: ${color(style.bold(`${diagnostic.severity}:`))} ${printable(diagnostic.message)} ${style.dim(`[${diagnostic.code}]`)}`,
		...(diagnostic.lineText === ''
			? []
			: [empty, `${startLine} ${style.dim('|')} ${shown}`, `${empty} ${color(caret)}`]),
		...(diagnostic.hint === undefined
			? []
			: [`${' '.repeat(gutter)} ${style.cyan('hint:')} ${printable(diagnostic.hint)}`]),
		...(diagnostic.notes ?? []).map(
			note =>
				`${' '.repeat(gutter)} ${style.dim('note:')} ${printable(`${diagnostic.file}:${note.range.startLine}:${note.range.startColumn}: ${note.message}`)}`,
		),
		'',
	].join('\n');
}

/** The part of a line around the range, and the carets under it. Columns count UTF-16 units, as in the range. */
function excerpt(lineText: string, range: SourceRange): readonly [string, string] {
	const start = Math.min(range.startColumn - 1, lineText.length);
	const sameLine = range.endLine === range.startLine;
	const end = Math.max(start + 1, sameLine ? range.endColumn - 1 : lineText.trimEnd().length);
	const from = start < shownColumns - 20 ? 0 : start - 40;
	const to = Math.min(lineText.length, from + shownColumns);
	const before = visible(lineText.slice(from, start));
	const marked = visible(lineText.slice(start, Math.min(end, to)));
	const after = visible(lineText.slice(Math.min(end, to), to));
	const lead = from > 0 ? '…' : '';
	const tail = to < lineText.length ? '…' : '';
	return [
		`${lead}${before}${marked}${after}${tail}`,
		`${' '.repeat(textWidth(lead + before))}${'^'.repeat(Math.max(1, textWidth(marked)))}`,
	];
}

function visible(text: string): string {
	return printable(text.replaceAll('\t', '    '));
}
