import type {Abortable} from '../../core/events.js';
import {type Kubectl, kubectlJson} from '../control/kubectl.js';
import {type Fields, fieldsOf, isFields} from '../kubeadm/document.js';
import {visible} from './line-error.js';
import {isObjectName, type Workload} from './workload.js';

/** What is known of a pod that is not ready. */
export interface PodReport {
	readonly namespace: string;
	readonly name: string;
	/** Why it waits, the most telling first: reasons of its containers, then warnings of the cluster. */
	readonly said: readonly string[];
	/** The last lines of the container that is not ready. */
	readonly log: readonly string[];
}

const podsAtMost = 2;
const logLines = 15;

/**
 * Asks what the pods of a workload say that are not ready. Rejects only when it is aborted: it is asked about a failure, and should not
 * hide it with one of its own.
 */
export async function podReports(
	kubectl: Kubectl,
	{namespace, selector}: Workload,
	{signal}: Abortable = {},
): Promise<readonly PodReport[]> {
	if (selector === '') return [];
	const argv = ['get', 'pods', '--namespace', namespace, '--selector', selector];
	const pods = (await itemsOf(kubectl, argv, signal)).filter(isUnready).slice(0, podsAtMost);
	const reports: PodReport[] = [];
	for (const pod of pods) {
		const {name} = fieldsOf(pod.metadata);
		if (!isObjectName(name)) continue;
		const said = new Set([...reasonsOf(pod), ...(await warningsOf(kubectl, namespace, name, signal))]);
		reports.push({namespace, name, said: [...said], log: await logOf(kubectl, namespace, name, pod, signal)});
	}
	return reports;
}

function isUnready(pod: Fields): boolean {
	const {phase, conditions} = fieldsOf(pod.status);
	if (phase === 'Succeeded') return false;
	const ready = listOf(conditions).find(({type}) => type === 'Ready');
	return ready?.status !== 'True';
}

function reasonsOf(pod: Fields): readonly string[] {
	const {conditions, reason, message} = fieldsOf(pod.status);
	const own = typeof reason === 'string' ? [told(reason, message)] : [];
	const ofContainers = containersOf(pod).flatMap(container => {
		const {waiting, terminated} = fieldsOf(container.state);
		const last = fieldsOf(fieldsOf(container.lastState).terminated);
		return [
			...(isFields(waiting) ? [told(waiting.reason, waiting.message)] : []),
			...(isFields(terminated) && terminated.exitCode !== 0 ? [endOf(container, terminated)] : []),
			...(typeof last.exitCode === 'number' && last.exitCode !== 0 ? [endOf(container, last)] : []),
		];
	});
	const unscheduled = listOf(conditions).filter(({type, status}) => type === 'PodScheduled' && status === 'False');
	return [...own, ...unscheduled.map(({reason: why, message: text}) => told(why, text)), ...ofContainers].slice(0, 6);
}

function endOf({name}: Fields, {reason, exitCode}: Fields): string {
	return visible(
		`the container ${String(name)} ended with exit code ${String(exitCode)} (${String(reason ?? 'Error')})`,
		300,
	);
}

function told(reason: unknown, message: unknown): string {
	const text = typeof message === 'string' && message !== '' ? `: ${message}` : '';
	return visible(`${String(reason ?? 'waiting')}${text}`, 400);
}

async function warningsOf(
	kubectl: Kubectl,
	namespace: string,
	pod: string,
	signal: AbortSignal | undefined,
): Promise<readonly string[]> {
	const selector = `involvedObject.name=${pod},type=Warning`;
	const argv = ['get', 'events', '--namespace', namespace, '--field-selector', selector];
	const events = await itemsOf(kubectl, argv, signal);
	const timeOf = ({lastTimestamp, eventTime}: Fields): string => String(lastTimestamp ?? eventTime ?? '');
	const newest = events.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1)).slice(0, 3);
	return newest.map(({reason, message}) => told(reason, message));
}

/** Of the container that is not ready; when it has just been started again, of the one before. */
async function logOf(
	kubectl: Kubectl,
	namespace: string,
	pod: string,
	object: Fields,
	signal: AbortSignal | undefined,
): Promise<readonly string[]> {
	const container = containersOf(object).find(({ready}) => ready !== true);
	if (container === undefined || !isObjectName(container.name)) return [];
	const argv = ['logs', '--namespace', namespace, pod, '--container', container.name, '--tail', String(logLines)];
	const hasEnded = isFields(fieldsOf(container.lastState).terminated) && isFields(fieldsOf(container.state).waiting);
	try {
		const text = await kubectl([...argv, ...(hasEnded ? ['--previous'] : [])], {signal});
		return text
			.split('\n')
			.filter(line => line.trim() !== '')
			.slice(-logLines)
			.map(line => visible(line, 400));
	} catch {
		signal?.throwIfAborted();
		return [];
	}
}

function containersOf(pod: Fields): readonly Fields[] {
	const {initContainerStatuses, containerStatuses} = fieldsOf(pod.status);
	const isDone = ({state}: Fields): boolean => fieldsOf(fieldsOf(state).terminated).exitCode === 0;
	return [...listOf(initContainerStatuses).filter(container => !isDone(container)), ...listOf(containerStatuses)];
}

async function itemsOf(kubectl: Kubectl, argv: readonly string[], signal: AbortSignal | undefined): Promise<Fields[]> {
	try {
		return [...listOf((await kubectlJson(kubectl, argv, {signal})).items)];
	} catch {
		signal?.throwIfAborted();
		return [];
	}
}

function listOf(value: unknown): readonly Fields[] {
	return Array.isArray(value) ? value.filter(isFields) : [];
}
