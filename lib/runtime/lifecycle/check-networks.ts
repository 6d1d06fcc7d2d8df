import type {HostFacts} from '../facts/facts.js';
import type {FleetCheck} from '../preflight/check.js';
import {clockFleetChecks} from '../preflight/clock.js';
import type {PreflightOptions} from '../preflight/options.js';
import {overlapChecks} from '../preflight/overlap.js';
import {preflightBy} from '../preflight/preflight.js';
import type {Problem} from './problem.js';
import type {SettingHost} from './setting.js';
import {hasJoined, type Situation} from './situation.js';

/**
 * Do the networks of the cluster keep clear of those that hosts are in, and do the clocks of masters agree? Hosts that are, or were, in the
 * cluster have its networks themselves, so only others are judged. What is a warning is for preflight to tell.
 */
export function checkNetworks({request, hosts, masters, journalOf, stateOf}: Situation): readonly Problem[] {
	if (request.verb === 'reset') return [];
	const factsOf = (some: readonly SettingHost[]): readonly HostFacts[] =>
		some.flatMap(host => {
			const facts = stateOf(host)?.facts;
			return facts === undefined ? [] : [{...facts, host: host.name}];
		});
	const coming = hosts.filter(
		host => stateOf(host)?.kubernetes.hasKubeletConfig !== true && !hasJoined(journalOf(host), host.name),
	);
	const {pods, services, virtualAddress} = request.wanted.network;
	const networks = {pods, services, 'the virtual address': [virtualAddress]};
	const areMastersComing = coming.some(({isMaster}) => isMaster);
	return [
		...judge(overlapChecks, factsOf(coming), {networks}, 'ERR_CLUSTER_NETWORK'),
		...(areMastersComing ? judge(clockFleetChecks, factsOf(masters), {}, 'ERR_HOST_CLOCK') : []),
	];
}

/** What preflight finds, with codes as the rest here has them. */
function judge(
	checks: readonly FleetCheck[],
	facts: readonly HostFacts[],
	options: PreflightOptions,
	code: string,
): readonly Problem[] {
	return preflightBy([], checks, facts, options)
		.filter(({severity}) => severity === 'error')
		.map(({severity, hosts, what, why, mend}) => ({
			severity,
			code,
			hosts,
			message: `${what}: ${why.slice(0, 1).toLowerCase()}${why.slice(1).replace(/\.$/, '')}`,
			hint: mend,
		}));
}
