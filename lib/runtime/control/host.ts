import {assert} from '../../core/errors.js';
import type {ClusterRun, RunHost} from '../lifecycle/run.js';

/** The host of an action that has one. */
export function hostOf(run: ClusterRun, action: {readonly id: string; readonly host?: string | undefined}): RunHost {
	const host = run.hosts.get(action.host ?? '');
	assert(host !== undefined, `the action ${action.id} is of no host of the run`);
	return host;
}

/** Where scripts and documents of a run are on hosts; only root reads it. */
export function workOf({root}: ClusterRun): string {
	return `${root}/work`;
}
