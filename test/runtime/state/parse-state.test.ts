import {gzipSync} from 'node:zlib';
import test from 'ava';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import {maxStateBytes, parseClusterState, unpackState} from '../../../lib/runtime/state/parse-state.js';
import {exampleState, settingHost} from '../../helpers/cluster-state.js';
import type {Mutable} from '../../helpers/recorded-facts.js';

test('a state comes out of its text as it went in, packed or not', t => {
	const state = exampleState();
	const text = JSON.stringify(state);
	t.deepEqual(parseClusterState(text), state);
	t.deepEqual(unpackState(Buffer.from(text)), state);
	t.deepEqual(unpackState(gzipSync(text)), state);
});

test('fields of a newer sealimage are passed over', t => {
	t.not(parseClusterState(JSON.stringify({...exampleState(), mood: 'fine'})), undefined);
});

test('a state that unpacks to more than states have is none', t => {
	t.is(unpackState(gzipSync(Buffer.alloc(maxStateBytes + 1, 0x20))), undefined);
	t.is(unpackState(Buffer.from([0x1f, 0x8b, 0])), undefined);
	t.is(parseClusterState(' '.repeat(maxStateBytes + 1)), undefined);
});

const refused = test.macro({
	exec(t, change: (state: Mutable<ClusterState>) => void) {
		const state = structuredClone(exampleState()) as Mutable<ClusterState>;
		change(state);
		t.is(parseClusterState(JSON.stringify(state)), undefined);
	},
	title: (title = '') => `a state is none ${title}`,
});
const deep = (levels: number): unknown => (levels === 0 ? 1 : {a: deep(levels - 1)});
test('of another schema', refused, state => Object.assign(state, {schema: 2}));
test('without a setting', refused, state => Object.assign(state, {setting: undefined}));
test('with a generation that no other could follow', refused, state => {
	state.generation = Number.MAX_SAFE_INTEGER;
});
test('with a name that is a path', refused, state => {
	state.setting.name = '../../etc';
});
test('with an id that is none', refused, state => {
	state.setting.id = 'prod';
});
test('with two hosts of one name', refused, state => {
	state.setting.hosts.push(settingHost('m1', false) as Mutable<ClusterState['setting']['hosts'][number]>);
});
test('with a way to somebody who is no host', refused, state => {
	state.reach.other = {address: '10.0.0.9'};
});
test('with a way that is an option of a program', refused, state => {
	state.reach.m1!.address = '-oProxyCommand=x';
});
test('with a jump that is an option', refused, state => {
	state.reach.m1!.jumps = ['-x'];
});
test('with a host whose address is a name', refused, state => {
	state.setting.hosts[0]!.addresses = ['evil.example'];
});
test('with a host whose name moves a cursor', refused, state => {
	state.setting.hosts[0]!.name = 'm1\u001b[2J';
});
test('with a file that leads out of its image', refused, state => {
	state.setting.images[0]!.files['linux/amd64']![0]!.path = 'a\n/../../etc/passwd';
});
test('with a file at an absolute path', refused, state => {
	state.setting.images[0]!.files['linux/amd64']![0]!.path = '/etc/passwd';
});
test('with a variable that is none', refused, state => {
	state.setting.env = {'a b': 'c'};
});
test('with a document that is nested without an end', refused, state => {
	state.setting.kubeadm.push({apiVersion: 'v1', kind: 'X', deep: deep(40)});
});
test('with something done that has no digest', refused, state => {
	Object.assign(state.done, {'application/redis': 'yes'});
});
