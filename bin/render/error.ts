import {type ErrorReport, isSealError, systemCode} from '../../lib/core/errors.js';
import type {Diagnostic} from '../../lib/sealfile/diagnostic.js';
import {renderDiagnostics} from './diagnostic.js';
import type {Style} from './style.js';
import {printable, printableLines} from './text.js';

/**
 * An error for people: message, its details, causes, the hint, and the code to search for. A Sealfile's errors are
 * shown at their places. Never a stack: that is for SEALIMAGE_DEBUG.
 */
export function renderError(error: unknown, style: Style): string {
	const report = reportError(error);
	const diagnostics = diagnosticsOf(error);
	const lines = [
		...(diagnostics.length === 0 ? [] : [renderDiagnostics(diagnostics, style)]),
		`${style.red(style.bold('error:'))} ${printableLines(report.message).join('\n  ')} ${style.dim(`[${report.code}]`)}`,
		...(diagnostics.length > 0
			? []
			: Object.entries(report.details ?? {}).map(([key, value]) => `  ${key}: ${detail(value)}`)),
		...causes(report).map(
			cause => `  ${style.dim('because:')} ${printable(cause.message)} ${style.dim(`[${cause.code}]`)}`,
		),
		...(report.hint === undefined ? [] : [`${style.cyan('hint:')} ${printableLines(report.hint).join('\n      ')}`]),
	];
	return `${lines.join('\n')}\n`;
}

/** An error as data, whatever it is: a failed system call gets a code and a hint of its own. */
export function reportError(error: unknown): ErrorReport {
	if (isSealError(error)) return error.toJSON();
	const system = systemCode(error);
	const message = error instanceof Error ? error.message : String(error);
	if (system === 'ENOSPC' || system === 'EDQUOT') {
		return {
			code: 'ERR_NO_SPACE',
			message: `The disk is full: ${message}`,
			hint: 'Free space, for example with "sealimage prune", and run the command again.',
		};
	}
	if (system === 'EACCES' || system === 'EPERM') {
		return {
			code: 'ERR_PERMISSION',
			message: `Access denied: ${message}`,
			hint: 'Check the owner and mode of the file and its folders.',
		};
	}
	if (system === 'EROFS') {
		return {
			code: 'ERR_PERMISSION',
			message: `The file system is read-only: ${message}`,
			hint: 'Choose another folder, for example with --root.',
		};
	}
	if (system !== undefined && /^E[A-Z0-9]+$/.test(system)) return {code: 'ERR_IO', message};
	return {
		code: 'ERR_INTERNAL',
		message,
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

/** The chain of causes, without those that only repeat what was said. */
function causes(report: ErrorReport): ErrorReport[] {
	const found: ErrorReport[] = [];
	let said = report.message;
	for (let cause = report.cause; cause !== undefined && found.length < 8; cause = cause.cause) {
		if (!said.includes(cause.message)) found.push(cause);
		said += cause.message;
	}
	return found;
}

function detail(value: unknown): string {
	return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
}
