import type {OperationOptions} from '../../core/events.js';
import type {Kubectl} from '../control/kubectl.js';
import type {ClusterRun} from '../lifecycle/run.js';
import {snapshotWorkloads, type WaitForWorkloadsOptions, type WorkloadSnapshot, waitForWorkloads} from './wait.js';

/** What was in clusters before the first application of a run. */
const before = new WeakMap<ClusterRun, WorkloadSnapshot | undefined>();

/**
 * Looks at what runs in the cluster, once in a run, before the first line of its first application. After an interruption (`isResumed`) it is
 * not known what there was, so everything counts as brought; so it does when the cluster cannot be asked.
 */
export async function rememberWorkloads(
	run: ClusterRun,
	kubectl: Kubectl,
	isResumed: boolean,
	options: OperationOptions = {},
): Promise<void> {
	if (before.has(run)) return;
	before.set(run, undefined);
	if (isResumed) return;
	try {
		before.set(run, await snapshotWorkloads(kubectl, options));
	} catch {
		options.signal?.throwIfAborted();
	}
}

/**
 * Waits until what the applications of a run brought is ready; all that the cluster has when none of them ran in it, for that is how a
 * run goes on whose waiting was interrupted.
 * @returns how many workloads there are
 * @throws as waitForWorkloads
 */
export async function waitForBrought(
	run: ClusterRun,
	kubectl: Kubectl,
	options: Omit<WaitForWorkloadsOptions, 'before'> = {},
): Promise<number> {
	return await waitForWorkloads(kubectl, {...options, before: before.get(run)});
}
