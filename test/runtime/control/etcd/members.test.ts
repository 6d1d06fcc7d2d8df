import test from 'ava';
import {
	type MemberHealth,
	parseGatewayMembers,
	parseMembers,
	removalProblem,
} from '../../../../lib/runtime/control/etcd/members.js';

function member(id: string, isHealthy = true, isLearner = false): MemberHealth {
	return {id, name: `m${id}`, peerUrls: [`https://10.0.0.${id}:2380`], clientUrls: [], isLearner, isHealthy};
}

const [one, two, three] = [member('1'), member('2'), member('3')];
const off = (id: string): MemberHealth => member(id, false);

const problem = test.macro((t, members: readonly MemberHealth[], id: string, expected: RegExp | undefined) => {
	const found = removalProblem(members, id);
	if (expected === undefined) t.is(found, undefined);
	else t.regex(found ?? 'none', expected);
});

test('one of three goes', problem, [one, two, three], '2', undefined);
test('the dead one of three goes', problem, [one, two, off('3')], '3', undefined);
test('one of two goes', problem, [one, two], '1', undefined);
test('the last one stays', problem, [one], '1', /the only member/);
test(
	'a living one of three stays while another is off',
	problem,
	[one, two, off('3')],
	'1',
	/1 of the 2 members that stay/,
);
test(
	'the dead one of two stays: one cannot decide',
	problem,
	[one, off('2')],
	'2',
	/1 of 2 members are healthy, and 2/,
);
test('a learner goes: it has no voice', problem, [one, member('2', false, true)], '2', undefined);
test('a learner does not count', problem, [one, two, member('3', true, true)], '1', undefined);

test("the gateway's own form is read: decimal ids, and nothing where something is empty", t => {
	const members = parseGatewayMembers({
		members: [
			{
				ID: '10276657743932975437',
				name: 'm1',
				peerURLs: ['https://10.0.0.1:2380'],
				clientURLs: ['https://10.0.0.1:2379'],
			},
			{ID: '1', peerURLs: ['https://[fd00::2]:2380'], isLearner: true},
		],
	});
	t.deepEqual(members, [
		{
			id: '8e9e05c52164694d',
			name: 'm1',
			peerUrls: ['https://10.0.0.1:2380'],
			clientUrls: ['https://10.0.0.1:2379'],
			isLearner: false,
		},
		{id: '1', name: '', peerUrls: ['https://[fd00::2]:2380'], clientUrls: [], isLearner: true},
	]);
	t.deepEqual(parseGatewayMembers({}), []);
});

const refuses = test.macro((t, value: unknown) => {
	t.throws(() => parseGatewayMembers(value), {code: 'ERR_ETCD'});
});

test('a member without an id is refused', refuses, {members: [{name: 'm1'}]});
test('an id that is no number is refused', refuses, {members: [{ID: '0x1'}]});
test('an address without TLS is refused', refuses, {members: [{ID: '1', clientURLs: ['http://169.254.169.254/']}]});
test('a name with control characters is refused', refuses, {members: [{ID: '1', name: 'a\u001b[2J'}]});
test('too many members are refused', refuses, {members: Array.from({length: 101}, () => ({ID: '1'}))});
test('what is no object is refused', refuses, []);

test('what the agent tells is checked as strictly', t => {
	t.deepEqual(parseMembers([one]), [one]);
	for (const wrong of [undefined, {}, [{}], [{...one, isHealthy: 'yes'}], [{...one, id: 'x'}], [{...one, why: 'a\nb'}]])
		t.throws(() => parseMembers(wrong), {code: 'ERR_ETCD'});
});
