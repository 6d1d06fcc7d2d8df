import test from 'ava';
import {judgeScenario} from '../lab/balancer/judge.js';
import {namespaceSite} from '../lab/balancer/namespace-site.js';
import {scenarios} from '../lab/balancer/scenarios.js';
import {type Scene, setScene} from '../lab/balancer/scene.js';
import {peerTest} from './peer-test.js';

/** The troubles of test/cluster/lb.test.ts with the balancer on nftables, on this machine's kernel, where a node and three servers have network namespaces. */
const load = {perSecond: 200, long: 20};
const alsoIn6 = ['power cut', 'cable out', 'planned end (`/readyz` fails first)', 'table flushed by somebody else'];

for (const version of ['4', '6'] as const) {
	let scene: Scene | undefined;
	test.after.always(`take down the namespaces of IPv${version}`, async () => scene?.close());
	for (const scenario of scenarios.filter(({title}) => version === '4' || alsoIn6.includes(title)))
		peerTest(`nftables, IPv${version}: ${scenario.title}`, ['ip', 'conntrack'], async t => {
			scene ??= await setScene(namespaceSite(version), load);
			await judgeScenario(t, scene, scenario);
		});
}
