import {formatElapsed} from './progress-line.js';
import type {Style} from './style.js';
import {printable, printableLines} from './text.js';

type Line = Readonly<Record<string, unknown>>;

/** The log of a run for people: when, where, what. Lines that say nothing to them are left out. */
export function renderRunLog(lines: readonly Line[], style: Style): string {
	const titles = new Map<string, string>();
	return lines
		.flatMap(line => {
			const title = titleOf(line);
			if (title !== undefined) titles.set(textOf(line.id), title);
			const shown = show(line, titles, style);
			const at = style.dim(timeOf(line.atMs));
			return shown.map(text => `${at} ${text}\n`);
		})
		.join('');
}

function show(line: Line, titles: ReadonlyMap<string, string>, style: Style): readonly string[] {
	const name = printable(titles.get(textOf(line.id)) ?? textOf(line.id));
	switch (line.type) {
		case 'run':
			return [
				style.bold(printable(`${textOf(line.verb)}, sealimage ${textOf(line.version)}, ${textOf(line.startedAt)}`)),
			];
		case 'action.started':
		case 'step.started':
			return [`begin  ${name}`];
		case 'action.finished':
		case 'step.finished':
			return [`${style.green('done')}   ${name}${elapsedOf(line)}`];
		case 'action.failed':
			return [`${style.red('failed')} ${name}${elapsedOf(line)}: ${printable(textOf(line.message))}`];
		case 'action.skipped':
			return [
				`${style.yellow('skip')}   ${name}, because of ${printable(titles.get(textOf(line.because)) ?? textOf(line.because))}`,
			];
		case 'command.output':
			return printableLines(textOf(line.text).trimEnd()).map(text => `       ${style.dim(text)}`);
		case 'warning':
			return [`${style.yellow('warning:')} ${printable(textOf(line.message))}`];
		case 'end': {
			const {message} = (line.error ?? {}) as Line;
			const why = message === undefined ? '' : `: ${printable(textOf(message))}`;
			return [style.bold(`ended with exit code ${textOf(line.exitCode)}${why}`)];
		}
		default:
			return [];
	}
}

/** `10.0.0.5: write /etc/hosts`. */
function titleOf({type, title, host}: Line): string | undefined {
	if ((type !== 'action.started' && type !== 'step.started') || typeof title !== 'string') return undefined;
	return typeof host === 'string' ? `${host}: ${title}` : title;
}

function elapsedOf({elapsedMs}: Line): string {
	return typeof elapsedMs === 'number' ? ` (${formatElapsed(elapsedMs)})` : '';
}

/** Since the run began: `  12.3s`. */
function timeOf(atMs: unknown): string {
	return `${((typeof atMs === 'number' ? atMs : 0) / 1000).toFixed(1).padStart(7)}s`;
}

function textOf(value: unknown): string {
	return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
