import type {OperationOptions} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {askedAt} from './describe.js';
import {follow} from './follow.js';
import {kubectlOn, kubectlWords} from './kubectl.js';
import {say} from './say.js';

/** For pods to end in order, and for budgets to let them go. */
const drainMs = 300_000;

/** Moves the work of a node elsewhere. Nothing is waited for on a node that is dead: its pods are given up, so that others take their place. */
export const drain: Performer<'drain'> = async (run, action, options) => {
	const {node, isDead} = action.input;
	await onLiveMaster(run, {...options, but: [node]}, async master => {
		if (!(await isNode(run, master, node, options))) return;
		if (isDead) await giveUp(run, master, node, action.id, options);
		else await moveAway(run, master, node, action.id, options);
	});
};

async function moveAway(
	run: ClusterRun,
	master: RunHost,
	node: string,
	id: string,
	options: OperationOptions,
): Promise<void> {
	const limit = `--timeout=${drainMs / 1000}s`;
	const words = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', limit];
	const argv = kubectlWords(askedAt(run.setting, master), words);
	const {status, lines} = await follow(master.transport, argv, {...options, id, timeoutMs: drainMs + 60_000});
	if (status.code === 0) return;
	const why =
		lines.findLast(line => /^error|Cannot evict|timeout/.test(line)) ?? lines.at(-1) ?? 'kubectl says nothing';
	throw new HostError(master.name, 'ERR_NODE_DRAIN', `The node ${node} cannot be drained: ${why.slice(0, 500)}`, {
		hint: 'Let the pods that are named end, or loosen the budget that keeps them, and run the same command again.',
		details: {node, lines: lines.slice(-20)},
	});
}

/** Since 1.26 the taint lets volumes go, too; before, they follow when their pods are gone for six minutes. */
async function giveUp(
	run: ClusterRun,
	master: RunHost,
	node: string,
	id: string,
	options: OperationOptions,
): Promise<void> {
	const ask = (words: readonly string[]): Promise<string> =>
		kubectlOn(askedAt(run.setting, master))(words, {signal: options.signal, timeoutMs: 120_000});
	const said = [await ask(['cordon', node])];
	if (run.setting.version.minor >= 26) {
		const taint = 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute';
		said.push(await ask(['taint', '--overwrite', 'node', node, taint]));
	}
	const pods = ['pods', '--all-namespaces', '--field-selector', `spec.nodeName=${node}`];
	said.push(await ask(['delete', ...pods, '--force', '--grace-period=0', '--wait=false']));
	say(options, id, said.join('').trim().split('\n'));
}

/** Whether there is a node of this name: what never joined, or has gone, needs nothing. */
async function isNode(run: ClusterRun, master: RunHost, node: string, {signal}: OperationOptions): Promise<boolean> {
	const words = ['get', 'node', node, '--ignore-not-found', '-o', 'name'];
	return (await kubectlOn(askedAt(run.setting, master))(words, {signal})).trim() !== '';
}
