import {setTimeout as sleep} from 'node:timers/promises';
import {SealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {type Kubectl, kubectlJson} from '../control/kubectl.js';
import {type PodReport, podReports} from './pod-report.js';
import {nameOfWorkload, readWorkloads, type Workload, workloadTypes} from './workload.js';

/** The workloads of a cluster at one moment: their generations by their uids. */
export type WorkloadSnapshot = ReadonlyMap<string, number>;

export interface WaitForWorkloadsOptions extends OperationOptions {
	/** Of the events. Default `workloads`. */
	readonly id?: string | undefined;
	/** Those that were there then and have not been changed since are not waited for; without it all are. */
	readonly before?: WorkloadSnapshot | undefined;
	/** Those in these namespaces are waited for in any case. */
	readonly namespaces?: readonly string[] | undefined;
	/** Default ten minutes. */
	readonly timeoutMs?: number | undefined;
	/** Between two looks. Default two seconds. */
	readonly intervalMs?: number | undefined;
	/** Milliseconds from any fixed moment. */
	readonly now?: (() => number) | undefined;
}

/** What runs in the cluster now; asked before lines run, it tells what they brought. @throws as `Kubectl`; SealError ERR_CLUSTER_API */
export async function snapshotWorkloads(kubectl: Kubectl, options: OperationOptions = {}): Promise<WorkloadSnapshot> {
	const workloads = await listWorkloads(kubectl, options);
	return new Map(workloads.map(({uid, generation}) => [uid, generation]));
}

/**
 * Waits until the Deployments, StatefulSets, DaemonSets and Jobs that were made or changed are ready, and tells how it stands. An API server
 * that does not answer for a while is asked again. What fails for good ends the waiting at once.
 * @returns how many there are
 * @throws SealError ERR_WORKLOADS with what their pods say in `details.pods`: reasons, events, last lines of logs
 */
export async function waitForWorkloads(kubectl: Kubectl, options: WaitForWorkloadsOptions = {}): Promise<number> {
	const {id = 'workloads', signal, intervalMs = 2000, timeoutMs = 600_000, now = () => performance.now()} = options;
	const deadlineMs = now() + timeoutMs;
	let told = '';
	for (;;) {
		const look = await lookOnce(kubectl, options);
		if (look.workloads !== undefined) {
			const open = look.workloads.filter(({state}) => state !== 'ready');
			const event = {
				type: 'workloads.progress',
				id,
				total: look.workloads.length,
				ready: look.workloads.length - open.length,
				waiting: open.slice(0, 3).map(describe),
			} as const;
			if (JSON.stringify(event) !== told) emit(options, event);
			told = JSON.stringify(event);
			if (open.length === 0) return look.workloads.length;
			const failed = open.filter(({state}) => state === 'failed');
			if (failed.length > 0) throw await notReady(kubectl, failed, 'will not become ready', options);
			if (now() >= deadlineMs)
				throw await notReady(kubectl, open, `are not ready after ${timeoutMs / 1000} s`, options);
		} else if (now() >= deadlineMs) throw look.error;
		await sleep(intervalMs, undefined, signal === undefined ? {} : {signal}).catch((error: unknown) => {
			signal?.throwIfAborted();
			throw error;
		});
	}
}

interface Look {
	/** Undefined when the cluster could not be asked. */
	readonly workloads?: readonly Workload[];
	readonly error?: unknown;
}

async function lookOnce(kubectl: Kubectl, options: WaitForWorkloadsOptions): Promise<Look> {
	const {before, namespaces = [], signal} = options;
	try {
		const all = await listWorkloads(kubectl, {signal});
		const isMeant = ({uid, generation, namespace}: Workload): boolean =>
			before === undefined || before.get(uid) !== generation || namespaces.includes(namespace);
		return {workloads: all.filter(isMeant)};
	} catch (error) {
		signal?.throwIfAborted();
		return {error};
	}
}

async function listWorkloads(kubectl: Kubectl, options: OperationOptions): Promise<readonly Workload[]> {
	const argv = ['get', workloadTypes, '--all-namespaces'];
	return readWorkloads(await kubectlJson(kubectl, argv, {signal: options.signal}));
}

function describe(workload: Workload): string {
	return `${nameOfWorkload(workload)}: ${workload.why}`;
}

async function notReady(
	kubectl: Kubectl,
	workloads: readonly Workload[],
	what: string,
	{signal}: WaitForWorkloadsOptions,
): Promise<SealError> {
	const pods: PodReport[] = [];
	// The first few tell what is wrong; the rest mostly waits for them.
	for (const workload of workloads.slice(0, 3)) pods.push(...(await podReports(kubectl, workload, {signal})));
	const names = workloads.slice(0, 3).map(describe).join('; ');
	const more = workloads.length > 3 ? ` and ${workloads.length - 3} more` : '';
	const loudest = pods[0] === undefined ? '' : `. Pod ${pods[0].name}: ${pods[0].said[0] ?? 'says nothing'}`;
	const verb = workloads.length === 1 ? what.replace(/^are/, 'is') : what;
	return new SealError(
		'ERR_WORKLOADS',
		`${workloads.length === 1 ? 'A workload' : `${workloads.length} workloads`} ${verb}: ${names}${more}${loudest}`,
		{
			hint: hintFor(workloads[0], pods[0]),
			details: {workloads: workloads.slice(0, 50).map(describe), pods},
		},
	);
}

function hintFor(workload: Workload | undefined, pod: PodReport | undefined): string {
	const said = pod?.said.join(' ') ?? '';
	if (/ImagePull|ErrImage|InvalidImageName/.test(said))
		return 'Embed the image into the cluster image (see "sealimage inspect"), and run it again.';
	if (/node\.kubernetes\.io\/(?:not-ready|unreachable)/.test(said))
		return 'See in "kubectl describe nodes" why nodes are not Ready: mostly the network of pods is not there yet.';
	if (/FailedScheduling|Unschedulable/.test(said))
		return 'Give the cluster nodes with room for the pod, or let it run on masters.';
	const namespace = pod?.namespace ?? workload?.namespace ?? 'default';
	const what = pod === undefined ? 'get events' : `describe pod ${pod.name}`;
	return `Look at "kubectl -n ${namespace} ${what}" on a master, mend it, and run the same command again.`;
}
