import {SealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {ClusterRun, Performer} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {askedAt} from './describe.js';
import {kubectlOn} from './kubectl.js';
import {lastWords} from './last-words.js';
import {type ControlOptions, patienceOf, pause} from './patience.js';
import {visible} from './say.js';

/** How a node is, as its kubelet told the cluster. */
export interface NodeState {
	readonly name: string;
	readonly isReady: boolean;
	/** `KubeletNotReady: container runtime network not ready`; for a node that is not known, that. */
	readonly why: string;
}

/** Hosts whose own words are asked for. */
const maxTold = 3;

/**
 * Waits until nodes are Ready. A cluster that was given no application has no network of pods either: its nodes wait for that alone, and
 * nobody waits with them.
 */
export const ready: Performer<'ready'> = async (run, action, options: ControlOptions) => {
	const wanted = action.input.nodes;
	const hasApplications = run.setting.images.some(({type}) => type === 'application');
	const deadline = performance.now() + patienceOf(options).nodesMs;
	let waiting: readonly NodeState[] = [];
	for (;;) {
		waiting = (await nodesOf(run, wanted, waiting, options)).filter(({isReady}) => !isReady);
		tell(action.id, wanted.length, waiting, options);
		if (waiting.length === 0) return;
		if (!hasApplications && waiting.every(isWithoutNetwork)) {
			emit(options, {
				type: 'warning',
				code: 'NoPodNetwork',
				message: `${waiting.length} nodes are up, and not Ready before the cluster has a network of pods`,
				hint: 'Run an image that brings one.',
			});
			return;
		}
		if (performance.now() > deadline) throw await late(run, wanted.length, waiting, options);
		await pause(options);
	}
};

/** One line for each node: thousands of them are no document. */
const columns = [
	'.metadata.name',
	'.status.conditions[?(@.type=="Ready")].status',
	'.status.conditions[?(@.type=="Ready")].reason',
	'.status.conditions[?(@.type=="Ready")].message',
];
const template = `{range .items[*]}${columns.map(column => `{${column}}{"\\t"}`).join('')}{"\\n"}{end}`;

async function nodesOf(
	run: ClusterRun,
	wanted: readonly string[],
	before: readonly NodeState[],
	options: ControlOptions,
): Promise<readonly NodeState[]> {
	const words = ['get', 'nodes', '-o', `jsonpath=${template}`];
	try {
		const text = await onLiveMaster(run, options, master => kubectlOn(askedAt(run.setting, master))(words, options));
		return parseNodes(text, wanted);
	} catch (error) {
		options.signal?.throwIfAborted();
		// API servers are busy, or restart: what was known is known.
		const why = visible((error as Error).message);
		return before.length > 0 ? before : wanted.map(name => ({name, isReady: false, why}));
	}
}

/** Reads what kubectl writes; nodes that it does not name have not come yet. */
export function parseNodes(text: string, wanted: readonly string[]): readonly NodeState[] {
	const known = new Map(
		text.split('\n').map(line => {
			const [name = '', status = '', reason = '', message = ''] = line.split('\t').map(visible);
			const why = message === '' ? reason : `${reason}: ${message}`;
			return [name, {name, isReady: status === 'True', why: why === '' ? 'it has not told yet' : why}] as const;
		}),
	);
	return wanted.map(name => known.get(name) ?? {name, isReady: false, why: 'it has not come to the cluster'});
}

function isWithoutNetwork({why}: NodeState): boolean {
	return /\bcni\b|network plugin|NetworkPluginNotReady/i.test(why);
}

function tell(id: string, totalHosts: number, waiting: readonly NodeState[], options: ControlOptions): void {
	const slowest = waiting.slice(0, 3).map(({name}) => name);
	const doneHosts = totalHosts - waiting.length;
	const title = 'wait until nodes are Ready';
	emit(options, {type: 'hosts.progress', id, title, totalHosts, doneHosts, failedHosts: 0, slowest});
}

async function late(
	run: ClusterRun,
	total: number,
	waiting: readonly NodeState[],
	options: ControlOptions,
): Promise<SealError> {
	const {signal} = options;
	const minutes = Math.round(patienceOf(options).nodesMs / 60_000);
	const hosts = [...run.hosts.values()];
	const nodes = await mapBounded(waiting.slice(0, maxTold), maxTold, async ({name, why}) => {
		const host = hosts.find(({nodeName}) => nodeName === name);
		return {name, why, ...(host === undefined ? {} : await lastWords(host.transport, {signal}))};
	});
	const named = waiting.slice(0, maxTold).map(({name, why}) => `${name} (${why.slice(0, 300)})`);
	const more = waiting.length > maxTold ? `, and ${waiting.length - maxTold} more` : '';
	return new SealError(
		'ERR_NODES_NOT_READY',
		`${waiting.length} of ${total} nodes are not Ready after ${minutes} minutes: ${named.join(', ')}${more}`,
		{
			hint: waiting.every(isWithoutNetwork)
				? 'Look at the pods of the network: "kubectl get pods -A -o wide".'
				: 'Look at "journalctl -u kubelet" on these hosts, mend what it says, and run the same command again.',
			details: {nodes},
		},
	);
}
