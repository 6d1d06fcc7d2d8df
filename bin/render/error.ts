import {type ErrorReport, isSealError} from '../../lib/core/errors.js';
import {ioError} from '../../lib/core/io-error.js';
import {HostError} from '../../lib/runtime/host/error.js';
import type {Diagnostic} from '../../lib/sealfile/diagnostic.js';
import {countDiagnostics, renderDiagnostics} from './diagnostic.js';
import type {Style} from './style.js';
import {printable, printableLines} from './text.js';

/**
 * An error for people: message and code, details, causes, the hint. A Sealfile's errors are shown at their places
 * instead. Never a stack: that is for SEALIMAGE_DEBUG.
 */
export function renderError(error: unknown, style: Style): string {
	const report = withHost(error, reportError(error));
	const diagnostics = diagnosticsOf(error);
	const title = style.red(style.bold('error:'));
	const code = style.dim(`[${report.code}]`);
	if (diagnostics.length > 0)
		return `${renderDiagnostics(diagnostics, style)}\n${title} The Sealfile has ${countDiagnostics(diagnostics)} ${code}\n`;
	const lines = [
		`${title} ${printableLines(report.message).join('\n  ')} ${code}`,
		...detailLines(report),
		...causes(report).map(
			cause => `  ${style.dim('because:')} ${printable(cause.message)} ${style.dim(`[${cause.code}]`)}`,
		),
		...(report.hint === undefined ? [] : [`${style.cyan('hint:')} ${printableLines(report.hint).join('\n      ')}`]),
	];
	return `${lines.join('\n')}\n`;
}

/** Errors of hosts do not repeat the name of the host: it comes first here. */
function withHost(error: unknown, report: ErrorReport): ErrorReport {
	const host = error instanceof HostError ? error.host : undefined;
	return host === undefined ? report : {...report, message: `${host}: ${report.message}`};
}

/** An error as data, whatever it is: a failed system call that nobody explained yet gets its code and hint here. */
export function reportError(error: unknown): ErrorReport {
	const {syscall = 'use', path = 'a file'} = (error ?? {}) as {readonly syscall?: string; readonly path?: string};
	const explained = ioError(error, syscall, path);
	if (isSealError(explained)) return explained.toJSON();
	return {
		code: 'ERR_INTERNAL',
		message: error instanceof Error ? error.message : String(error),
		hint: 'This is a defect of sealimage: run again with SEALIMAGE_DEBUG=1 and report what it prints.',
	};
}

/** The stacks of an error and its causes, for SEALIMAGE_DEBUG. */
export function renderStacks(error: unknown): string {
	let text = '';
	for (let current: unknown = error; current instanceof Error; current = current.cause)
		text += `${current.stack ?? current.message}\n`;
	return text;
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
	const diagnostics = (error as {diagnostics?: unknown} | null | undefined)?.diagnostics;
	return Array.isArray(diagnostics) ? (diagnostics as Diagnostic[]) : [];
}

/** Facts that the message does not say already. Lists are shown one item per line, up to a screenful. */
function detailLines(report: ErrorReport): string[] {
	const {file, line, instruction, systemCode: _, ...facts} = report.details ?? {};
	const place =
		typeof file === 'string' && typeof line === 'number'
			? [`${file}:${line}${typeof instruction === 'string' ? `: ${instruction}` : ''}`]
			: [];
	const rest = place.length > 0 ? facts : {...facts, file, line, instruction};
	return [...place.map(text => `  at ${printable(text)}`), ...factLines(rest, report)];
}

function factLines(facts: Readonly<Record<string, unknown>>, report: ErrorReport): string[] {
	return Object.entries(facts).flatMap(([key, value]) => {
		if (value === undefined) return [];
		if (Array.isArray(value)) {
			const items = value.filter(item => !isSaid(item, report.message)).map(detailText);
			const shown = items.slice(0, 20).map(text => `    ${printable(text)}`);
			const more = items.length > 20 ? [`    and ${items.length - 20} more`] : [];
			return items.length === 0 ? [] : [`  ${key}:`, ...shown, ...more];
		}
		const lines = detailText(value).trimEnd().split('\n');
		if (lines.length > 1) return [`  ${key}:`, ...lines.slice(-20).map(line => `    ${printable(line)}`)];
		return report.message.includes(lines[0]!) ? [] : [`  ${key}: ${printable(lines[0]!)}`];
	});
}

/** True when every text in a value stands in the message already, or a message of its own does. */
function isSaid(value: unknown, message: string): boolean {
	const own = (value as {readonly message?: unknown} | null)?.message;
	if (typeof own === 'string' && own !== '' && message.includes(own)) return true;
	if (typeof value === 'object' && value !== null) return Object.values(value).every(item => isSaid(item, message));
	return message.includes(String(value));
}

function detailText(value: unknown): string {
	return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}

/** The chain of causes, without those that only repeat what was said. */
function causes(report: ErrorReport): ErrorReport[] {
	const found: ErrorReport[] = [];
	let said = report.message;
	for (let cause = report.cause; cause !== undefined && found.length < 8; cause = cause.cause) {
		if (!said.includes(cause.message) && cause.code !== report.details?.systemCode) found.push(cause);
		said += cause.message;
	}
	return found;
}
