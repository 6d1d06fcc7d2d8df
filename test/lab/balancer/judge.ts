import type {ExecutionContext} from 'ava';
import {type Outcome, outcomeHead, outcomeRow, runScenario} from './outcome.js';
import type {Scenario} from './scenarios.js';
import type {Scene} from './scene.js';
import {serverNames} from './site.js';

/** A client that stands still for so long is on a machine that has too much to do: servers and probes stand still as well. */
const stallLimitMs = 250;
const attempts = 3;

/**
 * Runs a scenario, again where the machine was too busy, and judges what it cost; how long it took is told and not judged. What strays is forgiven once: a
 * host that is busy drops a packet now and then, the kernel sends the first one of a connection again after a second, and that long the client does not
 * wait. A balancer that loses connections loses them again. (One of ours did: a client that had the port of a probe to the same member was never
 * answered, one in 14,000. Probes have ports of their own since.)
 */
export async function judgeScenario(t: ExecutionContext, scene: Scene, scenario: Scenario): Promise<void> {
	let isForgiven = false;
	for (let attempt = 1; ; attempt++) {
		const from = scene.seconds.length;
		const outcome = await runScenario(scene, scenario);
		if (attempt === 1) t.log(outcomeHead.split('\n')[0]);
		t.log(outcomeRow(outcome));
		const faults = faultsOf(scenario, outcome);
		const wrong = faults.map(({what}) => what);
		if (wrong.length > 0) for (const second of scene.seconds.slice(from)) t.log(JSON.stringify(second));
		const isStalled = outcome.stalledMs > stallLimitMs;
		const isForgivable = !isForgiven && faults.every(({isStray}) => isStray);
		if (wrong.length > 0 && attempt < attempts && (isStalled || isForgivable)) {
			const why = isStalled ? `the client stood still for ${outcome.stalledMs} ms` : 'it may be a packet that got lost';
			t.log(`again: ${why} (${wrong.join(', ')})`);
			isForgiven ||= !isStalled;
			continue;
		}
		t.deepEqual(wrong, []);
		return;
	}
}

interface Fault {
	readonly what: string;
	readonly isStray: boolean;
}

function faultsOf(scenario: Scenario, outcome: Outcome): readonly Fault[] {
	const {wrong, failed, isStray, backFailed, isBackStray, cut, backCut} = outcome;
	const fault = (is: boolean, what: string, stray = false): readonly Fault[] => (is ? [{what, isStray: stray}] : []);
	return [
		...wrong.flatMap(what => fault(true, what)),
		...fault(scenario.costsNothing === true && failed > 0, 'new connections failed', isStray),
		...fault(backFailed > 0, 'new connections failed when it was over', isBackStray),
		...fault(cut > mayBeCut(scenario, outcome), 'long connections were cut'),
		// Who comes back after another may get connections, and lose them again until a probe has found it.
		...fault(backCut > 0, 'long connections were cut when it was over', isForAll(scenario)),
	];
}

/** Where all servers have trouble, a connection that came anew may be cut again. */
function mayBeCut({keepsLong, troubled}: Scenario, {longThere}: Outcome): number {
	if (keepsLong === true) return 0;
	return isForAll({troubled}) ? Number.POSITIVE_INFINITY : longThere;
}

function isForAll({troubled}: Pick<Scenario, 'troubled'>): boolean {
	return troubled.length === serverNames.length;
}
