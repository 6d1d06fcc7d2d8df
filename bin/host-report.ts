import type {HostOutcome} from '../lib/runtime/host/each.js';
import type {Context} from './context.js';
import {exitCodeOfHosts} from './exit-codes.js';
import {renderError, reportError} from './render/error.js';
import {renderHostFailures} from './render/host-failures.js';
import {formatElapsed} from './render/progress-line.js';
import {printable} from './render/text.js';
import {count} from './render/units.js';

/**
 * Ends work on several hosts: tells on stderr what failed, as one table, and one line that counts, and returns the exit code.
 * `done` says in a few words what came of it. The failure of a single host is told as any other error. With `--output json` all of that is in the result.
 */
export function reportHosts(
	outcomes: readonly HostOutcome<unknown>[],
	elapsedMs: number,
	context: Context,
	done?: string,
): number {
	const exitCode = exitCodeOfHosts(outcomes);
	if (context.settings.output.value === 'json') return exitCode;
	const {errorStyle: style, io} = context;
	const [only, second] = outcomes;
	if (only !== undefined && second === undefined) {
		if (!only.ok) context.note(renderError(only.error, style));
		else if (done !== undefined && !context.quiet)
			context.note(`${style.green('ok')} ${printable(only.host)}, ${done}, ${formatElapsed(elapsedMs)}`);
		return exitCode;
	}
	const failed = outcomes.filter(({ok}) => !ok).length;
	if (failed > 0) {
		const width = io.stderr.isTTY === true ? io.stderr.columns || 80 : undefined;
		context.note(renderHostFailures(outcomes, style, width));
	}
	if (context.quiet) return exitCode;
	const elapsed = `${done === undefined ? '' : `${done}, `}${formatElapsed(elapsedMs)}`;
	context.note(
		failed === 0
			? `${style.green('ok')} ${count(outcomes.length, 'host')}, ${elapsed}`
			: `${style.red('failed')} on ${failed} of ${count(outcomes.length, 'host')}, ${elapsed}`,
	);
	return exitCode;
}

/** One host's part of a result as JSON: `value` as the command shows it, or the error. */
export function outcomeJson<T>(
	outcome: HostOutcome<T>,
	value: (value: T) => Readonly<Record<string, unknown>> = () => ({}),
): Readonly<Record<string, unknown>> {
	const {host, elapsedMs} = outcome;
	return outcome.ok
		? {host, ok: true, ...value(outcome.value), elapsedMs}
		: {host, ok: false, error: reportError(outcome.error), elapsedMs};
}
