import type {ExecutionContext} from 'ava';
import {type Outcome, outcomeHead, outcomeRow, runScenario} from './outcome.js';
import type {Scenario} from './scenarios.js';
import type {Scene} from './scene.js';

/** Runs a scenario and judges what it cost; how long it took is told and not judged. */
export async function judgeScenario(t: ExecutionContext, scene: Scene, scenario: Scenario): Promise<Outcome> {
	const outcome = await runScenario(scene, scenario);
	t.log(`${outcomeHead.split('\n')[0]}`);
	t.log(outcomeRow(outcome));
	t.deepEqual(outcome.wrong, []);
	if (scenario.costsNothing === true) t.is(outcome.failed, 0, 'new connections failed');
	t.is(outcome.backFailed, 0, 'new connections failed when it was over');
	t.true(outcome.cut <= (scenario.keepsLong === true ? 0 : outcome.longThere), 'long connections were cut');
	t.is(outcome.backCut, 0, 'long connections were cut when it was over');
	return outcome;
}
