import {hasCode} from '../lib/core/errors.js';
import {UsageError} from './usage-error.js';

/** What the exit code of `sealimage` says. `docs/cli.md` is printed from this table. */
export const exitCodes = {
	ok: {code: 0, meaning: 'The command did what it was asked.'},
	failure: {
		code: 1,
		meaning: 'The command failed; the error on stderr says why. `lint` and `verify` found something wrong.',
	},
	usage: {code: 2, meaning: 'The command line or the configuration is wrong; nothing was done.'},
	someFailed: {
		code: 3,
		meaning: 'A command for several hosts did its work on some of them and failed on others; it is 1 when all failed.',
	},
	hangup: {code: 129, meaning: 'The terminal was closed (SIGHUP).'},
	interrupted: {
		code: 130,
		meaning: 'Ctrl-C (SIGINT): the work was stopped and cleaned up. A second Ctrl-C exits at once.',
	},
	pipeClosed: {code: 141, meaning: 'The reader of stdout went away (SIGPIPE), as in `sealimage images | head -1`.'},
	terminated: {code: 143, meaning: 'The process was told to stop (SIGTERM).'},
} as const satisfies Record<string, {code: number; meaning: string}>;

/** The signals that abort a command, and the exit code of each. */
export const signalExitCodes: {readonly [signal in 'SIGINT' | 'SIGTERM' | 'SIGHUP']: number} = {
	SIGINT: exitCodes.interrupted.code,
	SIGTERM: exitCodes.terminated.code,
	SIGHUP: exitCodes.hangup.code,
};

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown, failure: number = exitCodes.failure.code): number {
	return error instanceof UsageError || hasCode(error, 'ERR_USAGE') ? exitCodes.usage.code : failure;
}

/** The exit code of work on several hosts. */
export function exitCodeOfHosts(outcomes: readonly {readonly ok: boolean}[]): number {
	const failed = outcomes.filter(({ok}) => !ok).length;
	if (failed === 0) return exitCodes.ok.code;
	return failed === outcomes.length ? exitCodes.failure.code : exitCodes.someFailed.code;
}
