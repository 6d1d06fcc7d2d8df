import {readFileSync} from 'node:fs';
import type {HostFacts} from '../../lib/runtime/facts/facts.js';
import {readFacts} from '../../lib/runtime/facts/read.js';
import {defaultWanted} from '../../lib/runtime/facts/wanted.js';

/** The facts of a host whose answer is kept in test/fixtures/facts; the operator's clock stands at the same moment for all. */
export function recordedFacts(name: string): HostFacts {
	const asked = {sentMs: 1_700_000_000_000, receivedMs: 1_700_000_000_200};
	return readFacts(name, readFileSync(`test/fixtures/facts/${name}.txt`), defaultWanted, asked);
}
