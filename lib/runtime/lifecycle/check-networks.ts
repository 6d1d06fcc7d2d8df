import type {HostFacts} from '../facts/facts.js';
import type {FleetCheck} from '../preflight/check.js';
import {clockFleetChecks} from '../preflight/clock.js';
import type {PreflightOptions} from '../preflight/options.js';
import {overlapChecks} from '../preflight/overlap.js';
import {preflightBy} from '../preflight/preflight.js';
import type {Problem} from './problem.js';
import type {SettingHost} from './setting.js';
import type {Situation} from './situation.js';

/**
 * Do the networks of the cluster keep clear of those that hosts are in, and do the clocks of masters agree? Hosts that are in the cluster have
 * its networks themselves, so only those that come are judged.
 */
export function checkNetworks({request, hosts, masters, isJoined, stateOf}: Situation): readonly Problem[] {
	if (request.verb === 'reset') return [];
	const factsOf = (some: readonly SettingHost[]): readonly HostFacts[] =>
		some.flatMap(host => {
			const facts = stateOf(host)?.facts;
			return facts === undefined ? [] : [{...facts, host: host.name}];
		});
	const coming = hosts.filter(host => !isJoined(host));
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
	return preflightBy([], checks, facts, options).map(({id, severity, hosts, what, why, mend}) => ({
		severity,
		code: severity === 'error' ? code : pascal(id),
		hosts,
		message: `${what}: ${why.slice(0, 1).toLowerCase()}${why.slice(1).replace(/\.$/, '')}`,
		hint: mend,
	}));
}

/** `clock-skew` to `ClockSkew`: warnings are called so in events. */
function pascal(id: string): string {
	return id.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
