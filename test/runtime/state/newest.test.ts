import test from 'ava';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import {newestState, type Witness} from '../../../lib/runtime/state/newest.js';
import {digestNumber, exampleState, hostState, settingHost} from '../../helpers/cluster-state.js';

const witness = (name: string, state: ClusterState | undefined, isMaster = true): Witness => ({
	name,
	isMaster,
	state: hostState({state, member: undefined}),
});
const other = (state: ClusterState): ClusterState => ({
	...state,
	setting: {...state.setting, id: 'ffffffffffffffff', name: 'other'},
});

test('the copy of the greatest generation counts, wherever it is', t => {
	const states = [2, 5, 4].map(generation => exampleState({generation}));
	t.is(newestState(states.map((state, index) => witness(`m${index}`, state)))?.generation, 5);
	t.is(newestState([witness('m1', states[0])], states[1])?.generation, 5, 'the operator knows more');
	t.is(newestState([witness('m1', states[1])], states[0])?.generation, 5, 'a master knows more');
	t.is(newestState([witness('m1', undefined)]), undefined);
	t.is(newestState([], states[0]), states[0]);
});

test('a node has no say, whatever generation it claims', t => {
	t.is(
		newestState([witness('m1', exampleState()), witness('n1', exampleState({generation: 99}), false)])?.generation,
		3,
	);
});

test('of different copies of one generation that counts which most have', t => {
	const lie = exampleState({done: {'application/redis:v7': digestNumber(1)}});
	const truth = exampleState();
	t.deepEqual(newestState([witness('m1', lie), witness('m2', truth), witness('m3', truth)])?.done, {});
	t.is(newestState([witness('m1', lie)], truth), truth, 'what the operator knows counts more than an equal copy');
});

test('masters of different clusters are an error, unless it is known which is meant', t => {
	const known = exampleState();
	const witnesses = [witness('m1', exampleState()), witness('m2', other(exampleState({generation: 9})))];
	t.throws(() => newestState(witnesses), {code: 'ERR_CLUSTER_STATE', message: /m1 is in "prod" .* m2 is in "other"/});
	t.is(newestState(witnesses, known), known);
});

test('a copy that is not of the cluster that its host is in has no say', t => {
	const stray = {name: 'm1', isMaster: true, state: hostState({state: other(exampleState())})};
	t.is(newestState([stray]), undefined);
});

test('a master cannot send logins elsewhere, nor name files of this machine', t => {
	const told = exampleState({
		generation: 9,
		reach: {
			m1: {address: '6.6.6.6', identityFiles: ['/root/.ssh/other']},
			n1: {address: '6.6.6.7', identityFiles: ['/x'], jumps: ['evil']},
		},
	});
	const known = exampleState({reach: {m1: {address: '10.0.0.1', identityFiles: ['/home/ada/.ssh/key']}}});
	t.deepEqual(newestState([witness('m1', told)], known)?.reach, {
		m1: {address: '10.0.0.1', identityFiles: ['/home/ada/.ssh/key']},
		n1: {address: '6.6.6.7'},
	});
});

test('a master cannot make this machine a host, unless it is this machine', t => {
	const told = exampleState({reach: {m1: {address: 'local'}, n1: {address: 'local'}}});
	t.deepEqual(newestState([witness('m1', told)])?.reach, {m1: {address: '10.0.0.1'}, n1: {address: '10.0.0.2'}});
	t.is(newestState([{...witness('m1', told), isLocal: true}])?.reach.m1?.address, 'local');
	const named = exampleState({reach: {}}, [settingHost('local', true, '10.0.0.7')]);
	t.is(newestState([witness('m1', named)])?.reach.local?.address, '10.0.0.7');
});
