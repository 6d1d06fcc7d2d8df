import type {Performer} from '../../lifecycle/run.js';
import {kubernetesWish} from '../wish.js';
import {callAgent, factsOf, hostOf} from './on-host.js';

/**
 * Makes a host a node that kubeadm can go on with. How it was is kept on the host before the first change: the files and settings, and
 * its facts, which a second look is compared with one day.
 */
export const prepare: Performer<'prepare'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const facts = await factsOf(host, options);
	const wish = kubernetesWish(run.setting, host, facts, run.root);
	await callAgent(host, 'prepare', {wish, dryRun: false, before: facts}, action.id, options);
};
