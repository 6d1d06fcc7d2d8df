import type {HostFacts} from '../facts/facts.js';
import type {CheckTopic, FleetCheck, HostCheck, Seen} from './check.js';
import {fleetChecks, hostChecks} from './checks.js';
import type {HostFinding} from './finding.js';
import {openNeeds, type PreflightOptions} from './options.js';

/**
 * Judges hosts by their facts, each alone and all together. What is true of several hosts is one finding; errors come first. Pure:
 * equal facts give equal findings.
 * @throws SealError ERR_CIDR, ERR_PLATFORM when the options hold a network or a platform that is none
 */
export function preflight(facts: readonly HostFacts[], options: PreflightOptions = {}): readonly HostFinding[] {
	return preflightBy(hostChecks, fleetChecks, facts, options);
}

/** The same by some of the checks. @throws SealError ERR_CIDR, ERR_PLATFORM */
export function preflightBy(
	ofHosts: readonly HostCheck[],
	ofAll: readonly FleetCheck[],
	facts: readonly HostFacts[],
	options: PreflightOptions,
): readonly HostFinding[] {
	const order = new Map(facts.map(({host}, index) => [host, index]));
	const found = new Map<string, Gathered>();
	const add = (topic: CheckTopic, hosts: readonly string[], what: Seen): void => {
		if (options.ignore?.includes(topic.id) === true) return;
		const finding = describe(topic, what);
		const key = JSON.stringify([finding.id, finding.severity, finding.what]);
		const known = found.get(key) ?? {finding, hosts: new Set(), details: new Set()};
		for (const host of hosts) known.hosts.add(host);
		if (typeof what !== 'string' && what.detail !== undefined) known.details.add(what.detail.slice(0, longestText));
		found.set(key, known);
	};
	const needsOf = openNeeds(options);
	for (const host of facts) {
		const needs = needsOf(host.host);
		for (const check of ofHosts) {
			for (const what of check.look(host, needs, options)) add(check, [host.host], what);
		}
	}
	for (const check of ofAll) {
		for (const {hosts, seen} of check.compare(facts, options)) add(check, hosts, seen);
	}
	const place = (host: string): number => order.get(host) ?? 0;
	return [...found.values()]
		.map(({finding, hosts, details}) => ({
			...finding,
			what: finding.what + bracket([...details]),
			hosts: [...hosts].toSorted((a, b) => place(a) - place(b)),
		}))
		.toSorted((a, b) => weight(a) - weight(b));
}

/** Names of hosts and services are what the hosts say they are. */
const longestText = 400;

/** One finding while its hosts come together. */
interface Gathered {
	readonly finding: HostFinding;
	readonly hosts: Set<string>;
	readonly details: Set<string>;
}

/** A thousand hosts may have a thousand details: a few show what is meant. */
function bracket(details: readonly string[]): string {
	if (details.length === 0) return '';
	const shown = details.slice(0, 3).join('; ');
	return details.length > 3 ? ` (${shown}; ...)` : ` (${shown})`;
}

function describe(topic: CheckTopic, seen: Seen): HostFinding {
	const {what, severity, mend} = typeof seen === 'string' ? {what: seen} : seen;
	return {
		id: topic.id,
		severity: severity ?? topic.severity,
		hosts: [],
		what: what.slice(0, longestText),
		why: topic.why,
		mend: mend ?? topic.mend,
	};
}

const weight = ({severity}: HostFinding): number => (severity === 'error' ? 0 : 1);
