import {isSealError, SealError} from '../../core/errors.js';
import type {HostOutcome} from './each.js';

/** Something that must be true of all hosts and is not of some, each with its own reason. */
export class HostsError extends SealError {
	readonly outcomes: readonly HostOutcome<unknown>[];

	constructor(outcomes: readonly HostOutcome<unknown>[], message: string, hint: string) {
		const failed = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome]));
		super('ERR_CLUSTER_HOSTS', message, {
			hint,
			details: {hosts: failed.slice(0, 100).map(({host, error}) => ({host, error: reportOf(error)}))},
		});
		this.outcomes = outcomes;
	}
}

function reportOf(error: unknown): unknown {
	if (isSealError(error)) return error.toJSON();
	return {code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error)};
}
