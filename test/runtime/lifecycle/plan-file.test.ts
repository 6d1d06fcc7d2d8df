import test from 'ava';
import {parsePlanFile} from '../../../lib/runtime/lifecycle/plan-file.js';
import {makePlan} from '../../../lib/runtime/plan/plan.js';
import {exampleSetting} from '../../helpers/cluster-state.js';

const basis = `sha256:${'b'.repeat(64)}` as const;
const plan = makePlan({verb: 'run', cluster: 'default', basis, actions: []});
const file = {
	plan,
	wanted: exampleSetting([], {name: 'default', images: []}),
	leaving: [],
	applications: [],
	isForced: false,
	reach: {},
};

test('a plan that was kept is read as it was printed', t => {
	const read = parsePlanFile(JSON.stringify(file), 'plan.json');
	t.is(read.plan.digest, plan.digest);
	t.is(read.verb, 'run');
	t.false(read.isForced);
});

for (const [what, text] of [
	['no JSON', '{'],
	['a list', '[]'],
	['a plan alone', JSON.stringify(plan)],
	['an edited plan', JSON.stringify({...file, plan: {...plan, cluster: 'other'}})],
	['a verb that is none', JSON.stringify({...file, plan: makePlan({...plan, verb: 'destroy'})})],
	['hosts that are none', JSON.stringify({...file, wanted: {...file.wanted, hosts: 'all'}})],
	['a setting with an id that is none', JSON.stringify({...file, wanted: {...file.wanted, id: '../x'}})],
	['a way to a host that is none of its own', JSON.stringify({...file, reach: {evil: {address: '10.6.6.6'}}})],
	['hosts that leave and are none', JSON.stringify({...file, leaving: [null]})],
] as const)
	test(`${what} is not taken for a plan`, t => {
		t.throws(() => parsePlanFile(text, 'plan.json'), {
			code: 'ERR_PLAN',
			message: /^plan\.json cannot be used as a plan/,
		});
	});
