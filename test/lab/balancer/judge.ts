import type {ExecutionContext} from 'ava';
import {type Outcome, outcomeHead, outcomeRow, runScenario} from './outcome.js';
import type {Scenario} from './scenarios.js';
import type {Scene} from './scene.js';
import {serverNames} from './site.js';

/** A client that stands still for so long is on a machine that has too much to do: servers and probes stand still as well. */
const stallLimitMs = 250;
const attempts = 3;

/** Runs a scenario, again where the machine was too busy, and judges what it cost; how long it took is told and not judged. */
export async function judgeScenario(t: ExecutionContext, scene: Scene, scenario: Scenario): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		const from = scene.seconds.length;
		const outcome = await runScenario(scene, scenario);
		if (attempt === 1) t.log(outcomeHead.split('\n')[0]);
		t.log(outcomeRow(outcome));
		const wrong = [
			...outcome.wrong,
			...(scenario.costsNothing === true && outcome.failed > 0 ? ['new connections failed'] : []),
			...(outcome.backFailed > 0 ? ['new connections failed when it was over'] : []),
			...(outcome.cut > mayBeCut(scenario, outcome) ? ['long connections were cut'] : []),
			...(outcome.backCut > 0 ? ['long connections were cut when it was over'] : []),
		];
		if (wrong.length > 0) for (const second of scene.seconds.slice(from)) t.log(JSON.stringify(second));
		if (wrong.length > 0 && attempt < attempts && outcome.stalledMs > stallLimitMs) {
			t.log(`again: the client stood still for ${outcome.stalledMs} ms (${wrong.join(', ')})`);
			continue;
		}
		t.deepEqual(wrong, []);
		return;
	}
}

/** Where all servers have trouble, a connection that came anew may be cut again. */
function mayBeCut({keepsLong, troubled}: Scenario, {longThere}: Outcome): number {
	if (keepsLong === true) return 0;
	return troubled.length === serverNames.length ? Number.POSITIVE_INFINITY : longThere;
}
