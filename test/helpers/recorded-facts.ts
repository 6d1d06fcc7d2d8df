import {readFileSync} from 'node:fs';
import type {HostFacts} from '../../lib/runtime/facts/facts.js';
import {readFacts} from '../../lib/runtime/facts/read.js';
import {defaultWanted} from '../../lib/runtime/facts/wanted.js';

/** The facts of a host whose answer is kept in test/fixtures/facts; the operator's clock stands at the same moment for all. */
export function recordedFacts(name: string): HostFacts {
	const asked = {sentMs: 1_700_000_000_000, receivedMs: 1_700_000_000_200};
	return readFacts(name, readFileSync(`test/fixtures/facts/${name}.txt`), defaultWanted, asked);
}

export type Mutable<T> = T extends object ? {-readonly [K in keyof T]: Mutable<T[K]>} : T;

/** A copy with something else in it. */
export function changed(facts: HostFacts, change: (facts: Mutable<HostFacts>) => void): HostFacts {
	const copy = structuredClone(facts) as Mutable<HostFacts>;
	change(copy);
	return copy as HostFacts;
}

/** A host with nothing to complain of. */
export const soundFacts = changed(recordedFacts('ubuntu-22.04'), facts => {
	facts.hardware.swaps = [];
	facts.ports = facts.ports.filter(port => port.port !== 10250);
	facts.software.services = ['systemd-timesyncd.service'];
	facts.network.interfaces = facts.network.interfaces.filter(found => found.name !== 'docker0');
	facts.clock.offsetMs = 0;
	facts.clock.uncertaintyMs = 10;
	facts.host = 'a';
});

/** Another sound host, with an identity and addresses of its own. */
export function otherHost(host: string, change: (facts: Mutable<HostFacts>) => void = () => undefined): HostFacts {
	return changed(soundFacts, facts => {
		const number = host.codePointAt(0)! % 100;
		facts.host = host;
		facts.identity = {
			...facts.identity,
			hostname: `host-${host}`,
			machineId: String(number).repeat(16),
			productUuid: `${number}-0000`,
			bootId: `boot-${host}`,
		};
		for (const [index, found] of facts.network.interfaces.entries()) found.mac = `02:00:00:00:${number}:0${index}`;
		facts.network.interfaces[0]!.addresses = [`10.20.0.${number}/24`];
		facts.network.interfaces[1]!.addresses = [`172.31.5.${number}/20`];
		change(facts);
	});
}

export function pathOf(facts: Mutable<HostFacts>, path: string): Mutable<HostFacts['paths'][number]> {
	return facts.paths.find(found => found.path === path)!;
}
