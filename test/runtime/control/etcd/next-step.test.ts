import test from 'ava';
import type {MemberHealth} from '../../../../lib/runtime/control/etcd/members.js';
import {type EtcdOnHost, nextEtcdStep} from '../../../../lib/runtime/control/etcd/next-step.js';

const url = (name: string): string => `https://${name}:2380`;
const known = new Set(['m1', 'm2', 'm3'].map(url));

function works(name: string, more: Partial<MemberHealth> = {}): MemberHealth {
	return {id: name.slice(1), name, peerUrls: [url(name)], clientUrls: [], isLearner: false, isHealthy: true, ...more};
}

/** Announced, and never started. */
const announced = (name: string, more: Partial<MemberHealth> = {}): MemberHealth =>
	works(name, {name: '', isHealthy: false, ...more});
/** Without a majority nobody is healthy. */
const alone = (name: string): MemberHealth => works(name, {isHealthy: false});

const nothing: EtcdOnHost = {hasManifest: false, hasData: false, hasBegun: false};
const begun: EtcdOnHost = {...nothing, hasBegun: true};
const whole: EtcdOnHost = {hasManifest: true, hasData: true, hasBegun: true};

const step = test.macro((t, members: readonly MemberHealth[], host: EtcdOnHost, expected: object) => {
	t.like(nextEtcdStep(members, url('m3'), host, known), expected);
});

test('a new host joins', step, [works('m1')], nothing, {do: 'join'});
test('so does one that was stopped before etcd', step, [works('m1')], begun, {do: 'join'});
test('one whose member works goes on behind it', step, [works('m1'), works('m3')], whole, {do: 'go-on'});
test(
	'the second member was announced and not written down: it is started',
	step,
	[alone('m1'), announced('m3')],
	begun,
	{
		do: 'start',
		as: 'new',
	},
);
test(
	'the second member has its manifest: it is started as it is',
	step,
	[alone('m1'), announced('m3')],
	{...begun, hasManifest: true},
	{
		do: 'start',
		as: 'it-is',
	},
);
test(
	'the third member was announced: it goes, the two others are enough',
	step,
	[works('m1'), works('m2'), announced('m3')],
	begun,
	{
		do: 'remove',
		peerUrl: url('m3'),
	},
);
test(
	'a learner that never started goes, whoever there is',
	step,
	[works('m1'), announced('m3', {isLearner: true})],
	begun,
	{
		do: 'remove',
		peerUrl: url('m3'),
	},
);
test('data of a member that went is put aside', step, [works('m1'), works('m2')], whole, {do: 'set-aside'});
test('data of another etcd stays', step, [works('m1')], {...whole, hasBegun: false}, {do: 'refuse'});
test('a manifest alone is written anew', step, [works('m1')], {...whole, hasData: false}, {do: 'join'});
test('a member that lost its disk goes', step, [works('m1'), works('m2'), works('m3', {isHealthy: false})], nothing, {
	do: 'remove',
	peerUrl: url('m3'),
});
test('a member that lost its disk is not taken out of two', step, [alone('m1'), alone('m3')], nothing, {do: 'refuse'});
test('a member that is off is started', step, [works('m1'), works('m2'), works('m3', {isHealthy: false})], whole, {
	do: 'start',
	as: 'it-is',
});
test(
	'a member whose manifest is gone gets it again',
	step,
	[alone('m1'), alone('m3')],
	{...whole, hasManifest: false},
	{
		do: 'start',
		as: 'new',
	},
);
test('a member of nobody goes first', step, [works('m1'), works('m2'), announced('m9')], nothing, {
	do: 'remove',
	peerUrl: url('m9'),
});
test('a member of nobody stays where that needs it', step, [alone('m1'), announced('m9')], nothing, {do: 'refuse'});
test(
	'so does one that died before anybody wrote it down',
	step,
	[works('m1'), works('m2'), works('m9', {isHealthy: false})],
	nothing,
	{do: 'remove', peerUrl: url('m9'), why: 'silent'},
);
test('one that works is left alone', step, [works('m1'), works('m9')], nothing, {do: 'join'});
test('another master that joins comes first', step, [works('m1'), works('m2', {name: '', isHealthy: false})], nothing, {
	do: 'refuse',
});
test('nobody joins while a master is off', step, [works('m1'), works('m2', {isHealthy: false})], nothing, {
	do: 'refuse',
});
test(
	'nobody goes on while another master is off',
	step,
	[works('m1'), works('m2', {isHealthy: false}), works('m3')],
	whole,
	{
		do: 'refuse',
	},
);

test('a refusal names the member and what to do', t => {
	const refusal = nextEtcdStep(
		[works('m1'), works('m2', {isHealthy: false, why: 'no route'})],
		url('m3'),
		nothing,
		known,
	);
	if (refusal.do !== 'refuse') {
		t.fail();
		return;
	}
	t.regex(refusal.why, /the member m2 of etcd is not healthy: no route/);
	t.regex(refusal.mend, /sealimage delete --masters/);
});
