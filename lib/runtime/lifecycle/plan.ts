import type {Digest} from '../../oci/digest.js';
import {digestOfValue, makePlan, type Plan} from '../plan/plan.js';
import type {ClusterAction} from './actions.js';
import {checkRequest, refuseProblems} from './check.js';
import {createDraft, type Draft} from './draft.js';
import {planCommands, planHosts} from './plan-hosts.js';
import {planJoins} from './plan-joins.js';
import {planLeaving, planReset, planSpent} from './plan-leaving.js';
import {planAccess, planApplications, planReady, planState} from './plan-whole.js';
import type {PlanRequest} from './request.js';
import {type Situation, situationOf} from './situation.js';

/**
 * What has to be done for a cluster to be as it is wanted, from what hosts say of themselves; nothing when it is. What was done, as their
 * journals have it, is left out unless the host shows that it does not hold any more. Pure: the same request gives the same plan, and the
 * plan that is left when some of it was done is the way to the same end.
 * @throws SealError what `refuseProblems` throws, when `checkRequest` finds an error
 */
export function planCluster(request: PlanRequest): Plan<ClusterAction> {
	refuseProblems(checkRequest(request));
	const situation = situationOf(request);
	const draft = createDraft();
	if (request.verb === 'reset') planReset(situation, draft);
	else planChanges(situation, draft);
	const {verb, wanted} = request;
	return makePlan({verb, cluster: wanted.name, basis: basisOf(request), actions: draft.actions});
}

/** In the order that people read. Hosts come before others leave, but for those that do not work any more. */
function planChanges(situation: Situation, draft: Draft): void {
	const chains = planHosts(situation, draft);
	const spent = planSpent(situation, draft);
	const areSomeComing = planJoins(situation, draft, chains, spent);
	const commands = planCommands(situation, draft, chains);
	planAccess(situation, draft);
	const isShrinking = situation.leaving.length > 0;
	if (!isShrinking) planState(situation, draft);
	const applications = planApplications(situation, draft);
	const ready = (): void => planReady(situation, draft, [...commands, ...applications]);
	if (areSomeComing) ready();
	const last = situation.hosts.flatMap(({name, isMaster}) => (isMaster ? [`init/${name}`, `join/${name}`] : []));
	planLeaving(situation, draft, [...spent, ...last]);
	if (isShrinking) planState(situation, draft);
	if (!areSomeComing) ready();
}

/** Of everything that decides what is done; not of what changes by itself, as the clock and free memory. */
function basisOf({verb, wanted, known, states, leaving, applications, isForced}: PlanRequest): Digest {
	const hosts = [...states].map(([name, {member, journal, kubernetes}]): readonly [string, Digest] => [
		name,
		digestOfValue({member, journal, kubernetes}),
	]);
	const before = known === undefined ? null : {setting: known.setting, done: known.done};
	hosts.sort(([a], [b]) => (a < b ? -1 : 1));
	return digestOfValue({
		verb,
		wanted,
		known: before,
		hosts,
		leaving: leaving.map(({name}) => name),
		applications,
		isForced: isForced === true,
	});
}
