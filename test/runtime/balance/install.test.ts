import {chmodSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {balancerUnit} from '../../../lib/lb/unit.js';
import {type BalanceChanges, installBalancers, removeBalancers} from '../../../lib/runtime/balance/install.js';
import {clusterAuthority, places} from '../../../lib/runtime/balance/places.js';
import type {BalanceWish} from '../../../lib/runtime/balance/plan.js';
import {balancerStatus} from '../../../lib/runtime/balance/status.js';
import type {HostOutcome} from '../../../lib/runtime/host/each.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {type RootHost, rootHost} from '../../helpers/mirror-root.js';
import {tlsFixture} from '../../helpers/tls-server.js';

const wish: BalanceWish = {config: {members: ['10.0.0.1', '10.0.0.2']}};

function ways(hosts: readonly RootHost[]) {
	const of = ({name}: HostTarget): RootHost | undefined => hosts.find(({target}) => target.name === name);
	return {
		targets: hosts.map(({target}) => target),
		open: (target: HostTarget): Transport => ({...of(target)!.transport, close: () => Promise.resolve()}),
		rootOf: (target: HostTarget): string | undefined => of(target)?.root,
	};
}

async function install(hosts: readonly RootHost[], given: BalanceWish = wish, more: object = {}): Promise<unknown[]> {
	const {targets, open, rootOf} = ways(hosts);
	return changesOf(await installBalancers(targets, open, given, {rootOf, ...more}));
}

async function remove(hosts: readonly RootHost[], more: object = {}): Promise<unknown[]> {
	const {targets, open, rootOf} = ways(hosts);
	return changesOf(await removeBalancers(targets, open, {rootOf, ...more}));
}

function changesOf(outcomes: readonly HostOutcome<BalanceChanges>[]): unknown[] {
	return outcomes.map(outcome => (outcome.ok ? outcome.value.changes : (outcome.error as {code: string}).code));
}

/** A host with the cluster's authority. */
function host(t: ExecutionContext, options: Parameters<typeof rootHost>[1] = {}): RootHost {
	const made = rootHost(t, options);
	made.write(clusterAuthority, tlsFixture('ca.crt'));
	return made;
}

/** Lets the agent of a host do this. */
function agent(made: RootHost, script: string): void {
	made.write(places.agent, `#!/bin/sh\n${script}\n`);
	chmodSync(join(made.root, places.agent), 0o755);
}

const inShell = test.macro(async (t, shell: readonly string[]) => {
	const one = host(t, {shell});
	await install([one]);
	t.deepEqual(one.systemctl(), ['daemon-reload', 'enable sealimage-lb.service', 'restart sealimage-lb.service']);
	t.is(one.read(places.unit), balancerUnit);
	t.deepEqual(JSON.parse(one.read(places.config) ?? ''), {
		members: ['10.0.0.1', '10.0.0.2'],
		probe: {caFile: clusterAuthority},
	});
	t.deepEqual(await install([one]), [[]], 'a second run changes nothing');
	t.is(one.systemctl().length, 3);
	one.write(`${places.state}/surroundings.json`, '{}');
	agent(one, `echo "$*" >'${one.root}/asked'`);
	t.deepEqual(await remove([one], {dryRun: true}).then(([changes]) => (changes as string[]).length), 9);
	t.not(one.read(places.unit), undefined, 'a dry run removes nothing');
	await remove([one]);
	t.is(one.read('asked'), 'lb remove\n');
	for (const path of [places.unit, places.config, places.authority]) t.is(one.read(path), undefined, path);
	t.is(statSync(join(one.root, places.state), {throwIfNoEntry: false}), undefined);
	t.is(statSync(join(one.root, 'etc/sealimage'), {throwIfNoEntry: false}), undefined);
	t.deepEqual(await remove([one]), [[]]);
});

test('a balancer is installed, left alone and taken off (sh)', inShell, ['sh']);
test('a balancer is installed, left alone and taken off (bash)', inShell, ['bash']);

test('other members are a file that the running balancer follows, another virtual address is a restart', async t => {
	const one = host(t);
	await install([one]);
	t.deepEqual(await install([one], {config: {members: ['10.0.0.2', '10.0.0.3']}}), [[`write ${places.config}`]]);
	t.deepEqual(await install([one], {config: {members: ['10.0.0.2'], address: '10.103.97.3'}}), [
		[`write ${places.config}`, 'restart sealimage-lb.service'],
	]);
});

test('an authority that is brought goes to the host, and goes when it is not wanted any more', async t => {
	const one = rootHost(t);
	await install([one], {...wish, authority: tlsFixture('ca.crt')});
	t.is(one.read(places.authority), tlsFixture('ca.crt'));
	t.like(JSON.parse(one.read(places.config) ?? ''), {probe: {caFile: places.authority}});
	t.deepEqual(await install([one], {...wish, authority: 'none'}), [
		[`write ${places.config}`, `remove ${places.authority}`],
	]);
	t.is((JSON.parse(one.read(places.config) ?? '') as {probe?: unknown}).probe, undefined);
});

test('what a host lacks is its own failure, and the others go on', async t => {
	const hosts = [
		host(t),
		host(t, {name: 'm2', systemd: false}),
		host(t, {name: 'm3', agent: false}),
		rootHost(t, {name: 'm4'}),
	];
	const [good, ...bad] = await install(hosts);
	t.true(Array.isArray(good));
	t.deepEqual(bad, ['ERR_LB_INSTALL', 'ERR_AGENT_MISSING', 'ERR_LB_CONFIG']);
});

test('a dry run tells what would change, and changes nothing', async t => {
	const one = host(t, {agent: false});
	const [changes] = await install([one], wish, {dryRun: true, agentComes: true});
	t.deepEqual(changes, [
		`write ${places.config}`,
		`write ${places.unit}`,
		'let systemd read its units again',
		'enable sealimage-lb.service',
		'restart sealimage-lb.service',
	]);
	t.is(one.read(places.config), undefined);
	t.deepEqual(one.systemctl(), []);
});

test('a service that does not start is told in its own words', async t => {
	const one = host(t);
	one.write('../broken', '');
	const {targets, open, rootOf} = ways([one]);
	const [outcome] = await installBalancers(targets, open, wish, {rootOf});
	t.true(outcome?.ok === false && /restart sealimage-lb.service: the journal says why/.test(String(outcome.error)));
});

test('rules that nobody can take out of the kernel are not forgotten', async t => {
	const one = host(t, {agent: false});
	one.write(`${places.state}/surroundings.json`, '{}');
	t.deepEqual(await remove([one]), ['ERR_AGENT_MISSING']);
});

const refused = test.macro<[string, BalanceWish, string]>({
	async exec(t, _, given, code) {
		const unused = (): never => t.fail() as never;
		const target = {name: 'm1', address: '10.0.0.1', roles: [], login: {}};
		await t.throwsAsync(installBalancers([target], unused, given), {code});
	},
	title: (_, what) => `refused before a host is touched: ${what}`,
});
test(refused, 'no member', {config: {members: []}}, 'ERR_LB_SPEC');
test(refused, 'no address', {config: {members: ['m1']}}, 'ERR_ADDRESS');
test(refused, 'a kubeconfig without a whole path', {config: {...wish.config, kubeconfig: 'a'}}, 'ERR_LB_CONFIG');
test(refused, 'an authority that is none', {...wish, authority: 'PEM'}, 'ERR_LB_CONFIG');

const member = {
	...{member: '10.0.0.1:6443', phase: 'healthy', forMs: 1, failovers: 0, weight: 1},
	...{activeConnections: 0, inactiveConnections: 0, connections: 0, bytesIn: 0, bytesOut: 0},
};
const report = {
	...{isRunning: true, service: '10.103.97.2:6443', form: 'ipvs', scheduler: 'rr', inKernel: true},
	...{members: [member], surroundings: [{part: 'route', ok: true, text: 'it is'}]},
};

test('the status is what the agent of the host says', async t => {
	const one = host(t);
	t.deepEqual(await balancerStatus(one.transport, {root: one.root}), {service: 'none'});
	await install([one]);
	agent(one, `echo '${JSON.stringify(report)}'`);
	t.deepEqual(await balancerStatus(one.transport, {root: one.root}), {service: 'active', report} as never);
});

const liar = test.macro<[string, string, string]>({
	async exec(t, _, script, code) {
		const one = host(t);
		await install([one]);
		agent(one, script);
		await t.throwsAsync(balancerStatus(one.transport, {root: one.root}), {code});
	},
	title: (_, what) => `a host that ${what} is told of`,
});
test(liar, 'says nothing', 'exit 0', 'ERR_LB_STATE');
test(liar, 'answers something else', 'echo "{}"', 'ERR_LB_STATE');
test(liar, 'says why it cannot tell', 'echo "ERR_LB_SPEC: no" >&2; exit 1', 'ERR_LB_STATE');
test(liar, 'does not stop', 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done', 'ERR_COMMAND_OUTPUT');
