import {type Fields, fieldsOf, isFields} from '../kubeadm/document.js';

/** Something in a cluster that runs pods, and how it stands. */
export interface Workload {
	readonly kind: WorkloadKind;
	readonly namespace: string;
	readonly name: string;
	readonly uid: string;
	/** Raised by the cluster with each change of what is wished. */
	readonly generation: number;
	/** Of its pods, as kubectl takes it. */
	readonly selector: string;
	readonly state: 'ready' | 'waiting' | 'failed';
	/** What it waits for, or why it failed, for people: `1 of 3 pods are ready`. */
	readonly why: string;
}

export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job';

/** What kubectl is asked for. */
export const workloadTypes = 'deployments.apps,statefulsets.apps,daemonsets.apps,jobs.batch';

/**
 * Reads a list of workloads as kubectl prints it. What is not of the four kinds, has a name that none can have, or belongs to a CronJob
 * is left out: the last comes and goes by itself.
 */
export function readWorkloads(list: Fields): readonly Workload[] {
	const items = Array.isArray(list.items) ? (list.items as unknown[]) : [];
	return items.filter(isFields).flatMap(item => readWorkload(item) ?? []);
}

/** `Deployment redis/redis`. */
export function nameOfWorkload({kind, namespace, name}: Workload): string {
	return `${kind} ${namespace}/${name}`;
}

/** Names of objects and namespaces: they become arguments. */
export function isObjectName(name: unknown): name is string {
	return typeof name === 'string' && name.length <= 253 && /^[a-z0-9]([a-z0-9.:-]*[a-z0-9])?$/.test(name);
}

interface Standing {
	readonly state: Workload['state'];
	readonly why: string;
}

const standings: Readonly<Record<WorkloadKind, (spec: Fields, status: Fields) => Standing>> = {
	Deployment: deploymentStanding,
	StatefulSet: statefulSetStanding,
	DaemonSet: daemonSetStanding,
	Job: jobStanding,
};

function readWorkload(item: Fields): Workload | undefined {
	const kind = item.kind as WorkloadKind;
	const {name, namespace, uid, generation, ownerReferences} = fieldsOf(item.metadata);
	const standing = Object.hasOwn(standings, String(kind)) ? standings[kind] : undefined;
	if (standing === undefined || !isObjectName(name) || !isObjectName(namespace) || typeof uid !== 'string')
		return undefined;
	const owners = Array.isArray(ownerReferences) ? (ownerReferences as unknown[]) : [];
	if (owners.some(owner => fieldsOf(owner).kind === 'CronJob')) return undefined;
	const spec = fieldsOf(item.spec);
	const status = fieldsOf(item.status);
	const current = numberOr(generation, 0);
	// Jobs do not say what they have seen.
	const isSeen = kind === 'Job' || numberOr(status.observedGeneration, 0) >= current;
	const stands: Standing = isSeen
		? standing(spec, status)
		: {state: 'waiting', why: 'the cluster has not begun with it'};
	return {kind, namespace, name, uid, generation: current, selector: selectorOf(spec.selector), ...stands};
}

function deploymentStanding(spec: Fields, status: Fields): Standing {
	if (spec.paused === true) return {state: 'ready', why: 'it is paused'};
	const wanted = numberOr(spec.replicas, 1);
	const updated = numberOr(status.updatedReplicas, 0);
	const available = numberOr(status.availableReplicas, 0);
	const old = numberOr(status.replicas, 0) - updated;
	if (updated >= wanted && available >= wanted && old <= 0) return ready(wanted);
	const late = condition(status, 'Progressing');
	if (late?.status === 'False' && late.reason === 'ProgressDeadlineExceeded')
		return {state: 'failed', why: 'it made no progress before its deadline'};
	if (updated >= wanted && available >= wanted) return {state: 'waiting', why: `${old} old pods are to end`};
	return waiting(Math.min(available, updated), wanted);
}

function statefulSetStanding(spec: Fields, status: Fields): Standing {
	const wanted = numberOr(spec.replicas, 1);
	const strategy = fieldsOf(spec.updateStrategy);
	const isReady = numberOr(status.readyReplicas, 0);
	if (strategy.type === 'OnDelete') return isReady >= wanted ? ready(wanted) : waiting(isReady, wanted);
	const partition = numberOr(fieldsOf(strategy.rollingUpdate).partition, 0);
	const updated = numberOr(status.updatedReplicas, 0);
	if (isReady < wanted) return waiting(isReady, wanted);
	const isNew = status.updateRevision === status.currentRevision || updated >= wanted - partition;
	return isNew ? ready(wanted) : {state: 'waiting', why: `${updated} of ${wanted - partition} pods are the new ones`};
}

function daemonSetStanding(spec: Fields, status: Fields): Standing {
	const wanted = numberOr(status.desiredNumberScheduled, 0);
	const available = numberOr(status.numberAvailable, 0);
	const updated = numberOr(status.updatedNumberScheduled, 0);
	const isUpdated = fieldsOf(spec.updateStrategy).type === 'OnDelete' || updated >= wanted;
	if (available >= wanted && isUpdated) return ready(wanted);
	return waiting(isUpdated ? available : Math.min(available, updated), wanted);
}

function jobStanding(spec: Fields, status: Fields): Standing {
	if (spec.suspend === true) return {state: 'ready', why: 'it is suspended'};
	if (condition(status, 'Complete')?.status === 'True') return {state: 'ready', why: 'it is complete'};
	const failed = condition(status, 'Failed');
	if (failed?.status === 'True') return {state: 'failed', why: `it failed: ${String(failed.message ?? failed.reason)}`};
	return {
		state: 'waiting',
		why: `${numberOr(status.succeeded, 0)} of ${numberOr(spec.completions, 1)} pods have ended well`,
	};
}

function ready(pods: number): Standing {
	return {state: 'ready', why: pods === 1 ? 'its pod is ready' : `${pods} pods are ready`};
}

function waiting(pods: number, wanted: number): Standing {
	return {state: 'waiting', why: `${Math.max(0, pods)} of ${wanted} pods are ready`};
}

function condition(status: Fields, type: string): Fields | undefined {
	const conditions = Array.isArray(status.conditions) ? (status.conditions as unknown[]) : [];
	return conditions.filter(isFields).find(candidate => candidate.type === type);
}

/** matchLabels and matchExpressions in the words of kubectl's `--selector`. */
function selectorOf(value: unknown): string {
	const {matchLabels, matchExpressions} = fieldsOf(value);
	const equal = Object.entries(fieldsOf(matchLabels)).map(([key, text]) => `${key}=${String(text)}`);
	const expressions = Array.isArray(matchExpressions) ? (matchExpressions as unknown[]) : [];
	return [...equal, ...expressions.map(expression => requirementOf(fieldsOf(expression)))].join(',');
}

function requirementOf({key, operator, values}: Fields): string {
	const list = `(${Array.isArray(values) ? values.join(',') : ''})`;
	switch (operator) {
		case 'In':
			return `${String(key)} in ${list}`;
		case 'NotIn':
			return `${String(key)} notin ${list}`;
		case 'DoesNotExist':
			return `!${String(key)}`;
		default:
			return String(key);
	}
}

function numberOr(value: unknown, otherwise: number): number {
	return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
