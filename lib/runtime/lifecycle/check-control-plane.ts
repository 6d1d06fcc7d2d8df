import {listing} from '../preflight/check.js';
import {about, type Problem, when} from './problem.js';
import {majority, membersOf, type QuorumLoss, quorumLoss} from './quorum.js';
import type {Situation} from './situation.js';

/** Are there masters, and does etcd live through the change? */
export function checkControlPlane(situation: Situation): readonly Problem[] {
	const {wantedMasters} = situation;
	if (wantedMasters.length === 0) return [noMaster(situation)];
	const lost = [...checkLost(situation), ...checkReplaced(situation)];
	return [...lost, ...(lost.length > 0 ? [] : checkQuorum(situation)), ...checkEven(wantedMasters.length)];
}

function noMaster({leaving}: Situation): Problem {
	const last = leaving.filter(({isMaster}) => isMaster).map(({name}) => name);
	return last.length === 0
		? {
				severity: 'error',
				code: 'ERR_HOSTS_MISSING',
				hosts: [],
				message: 'No host is a master',
				hint: 'Name one or three of them with --masters.',
			}
		: {
				severity: 'error',
				code: 'ERR_LAST_MASTER',
				hosts: last,
				message: 'No master would be left in the cluster',
				hint: 'Add another master first, or take the whole cluster away with "sealimage reset".',
			};
}

/** Beginning anew would leave whoever is in the cluster alone, and may overwrite the data of etcd: nothing forces that. */
function checkLost({isLost, masters, wantedMasters, stateOf}: Situation): readonly Problem[] {
	if (!isLost) return [];
	const silent = wantedMasters.filter(host => stateOf(host) === undefined).map(({name}) => name);
	if (silent.length > 0) {
		return about(silent, {
			severity: 'error',
			code: 'ERR_CONTROL_PLANE_LOST',
			message: 'The master does not answer, and there is a cluster that no other works for',
			hint: 'Start it, or mend the way to it, and run the command again.',
		});
	}
	const withData = masters.filter(host => stateOf(host)?.kubernetes.hasEtcdData === true).map(({name}) => name);
	return when(true, () => ({
		severity: 'error',
		code: 'ERR_CONTROL_PLANE_LOST',
		message:
			withData.length === 0
				? 'There was a cluster, and no master has its data any more'
				: `There was a cluster, and no master runs a whole control plane; the data of etcd is on ${listing(withData)}`,
		hint:
			withData.length === 0
				? 'Restore a snapshot of etcd on a master, or begin anew: "sealimage reset", then "sealimage run".'
				: 'Put the static pods back into /etc/kubernetes/manifests, and admin.conf above it; or begin anew: "sealimage reset", then "sealimage run".',
	}));
}

/** What masters share, authorities above all, has to be on one that stays. */
function checkReplaced({serving, masters, wantedMasters}: Situation): readonly Problem[] {
	const areKept = masters.some(host => serving.includes(host));
	return when(serving.length > 0 && !areKept, () => ({
		severity: 'error',
		code: 'ERR_LAST_MASTER',
		message: `None of the masters that work would stay, only ${listing(wantedMasters.map(({name}) => name))} that join or do not work`,
		hint: 'Add the new masters first, and delete the old ones with a second command.',
	}));
}

function checkQuorum(situation: Situation): readonly Problem[] {
	const {request, masters, serving, stateOf} = situation;
	if (serving.length === 0 || request.isForced === true) return [];
	const leaving = new Set(situation.leaving.map(({name}) => name));
	const etcd = membersOf(situation);
	const isServing = new Set(serving.map(({name}) => name));
	const coming = new Set(masters.map(({name}) => name).filter(name => !isServing.has(name)));
	const isShrinking = etcd.members.some(({name}) => leaving.has(name));
	if (coming.size === 0 && !isShrinking) return [];
	const loss = quorumLoss(etcd, coming, leaving);
	if (loss !== undefined) return [explain(loss, coming.size > 0 && !isShrinking)];
	const missing = etcd.members.filter(host => stateOf(host) === undefined && !leaving.has(host.name));
	if (coming.size === 0) return [];
	return about(
		missing.map(({name}) => name),
		{
			severity: 'error',
			code: 'ERR_QUORUM',
			message: 'The master does not answer, and etcd takes no new member while one is missing',
			hint: 'Start it, or delete it in the same step as the new one is added.',
		},
	);
}

/** @param mayReturn a master comes: if it was stopped on its way into etcd, it is what is missing */
function explain({at, members, living}: QuorumLoss, mayReturn: boolean): Problem {
	if (at === undefined && mayReturn) {
		return {
			severity: 'warning',
			code: 'ApiSilent',
			hosts: [],
			message: 'No API server of the cluster is ready: masters join only if it comes back with the first of them',
			hint: 'If it does not, start the masters that are down, and run the command again.',
		};
	}
	const needs = `etcd has ${members} members and needs ${majority(members)} of them`;
	return at === undefined
		? {
				severity: 'error',
				code: 'ERR_QUORUM',
				hosts: [],
				message: `${needs}, and ${living === 0 ? 'none' : living} of them work: it changes nothing until more are back`,
				hint: 'Start the masters that are down; if they are gone for good, restore a snapshot of etcd on one that is left, and use --force.',
			}
		: {
				severity: 'error',
				code: 'ERR_QUORUM',
				hosts: [at],
				message: `Without it ${needs}, and ${living} would work`,
				hint: 'Delete the masters that are down first, or add new ones; with --force the cluster stops, until a snapshot of etcd is restored on one master.',
			};
}

/** Two members need both, four need three: the even one adds a host that can fail, and none that may. */
function checkEven(masters: number): readonly Problem[] {
	const spare = masters - majority(masters);
	return when(masters % 2 === 0, () => ({
		severity: 'warning',
		code: 'EvenMasters',
		message: `${masters} masters outlive the loss of ${spare === 0 ? 'none' : spare}, as ${masters - 1} would: etcd needs ${majority(masters)} of ${masters}`,
		hint: `Use ${masters - 1} or ${masters + 1} masters.`,
	}));
}
