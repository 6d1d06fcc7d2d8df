import test from 'ava';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import {leavingHosts} from '../../../lib/runtime/lifecycle/leaving.js';
import type {HostState} from '../../../lib/runtime/state/host-state.js';
import {exampleId, exampleSetting, hostState, settingHost} from '../../helpers/cluster-state.js';
import {localTarget} from '../../helpers/local-agents.js';
import {changed, soundFacts} from '../../helpers/recorded-facts.js';

const known = exampleSetting([settingHost('m1', true), settingHost('n1', false, '10.0.0.2')]);

/** What a host says that is in the cluster by its own word alone. */
function stranger(hostname: string, role: 'master' | 'node', address = '10.0.0.9'): HostState {
	const facts = changed(soundFacts, one => {
		one.host = 'x';
		one.identity.hostname = hostname;
		one.network.interfaces = [{name: 'eth0', addresses: [`${address}/24`], hardware: true}];
	});
	return hostState({facts, member: {cluster: 'prod', id: exampleId, role}});
}

const named = (...targets: readonly HostTarget[]) => targets;
const saying = (name: string, state: HostState) => ({states: new Map([[name, state]])});

test('a host that is named by its name, its address and the name of its node leaves once', t => {
	const targets = named(localTarget('n1'), {...localTarget('10.0.0.2'), address: '10.0.0.2'}, localTarget('node-n1'));
	const found = leavingHosts(known, targets, {states: new Map()});
	t.deepEqual(
		found.map(({name}) => name),
		['n1'],
	);
});

test('a master that came in an interrupted run leaves etcd by the address that it has', t => {
	const target = {...localTarget('m4'), address: '10.0.0.9'};
	const [host] = leavingHosts(known, [target], saying('m4', stranger('Fresh', 'master')));
	t.like(host, {name: 'm4', nodeName: 'fresh', isMaster: true, addresses: ['10.0.0.9']});
});

const refuses = test.macro((t, state: HostState, code: string, message: RegExp) => {
	const error = t.throws(() => leavingHosts(known, [localTarget('x')], saying('x', state)), {message});
	t.like(error, {code, host: 'x'});
});

test('a host that says that it is another node', refuses, stranger('node-m1', 'node'), 'ERR_NODE_NAME', /as m1 of/);
test('a host called after a flag', refuses, stranger('--all', 'node'), 'ERR_CLUSTER_SETTING', /cannot be the name/);
test(
	'a master that says that it has the address of another',
	refuses,
	stranger('fresh', 'master', '10.0.0.1'),
	'ERR_HOST_DUPLICATE',
	/an address of m1/,
);
test(
	'a host of another cluster',
	refuses,
	{...stranger('fresh', 'node'), member: {cluster: 'prod', id: 'f'.repeat(16), role: 'node'}},
	'ERR_CLUSTER_MEMBER',
	/is not in the cluster "prod"/,
);
