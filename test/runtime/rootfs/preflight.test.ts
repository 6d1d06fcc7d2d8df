import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import {kubernetesFindings} from '../../../lib/runtime/rootfs/preflight.js';
import type {HostState} from '../../../lib/runtime/state/host-state.js';
import {looseRootfs, nodeSetting} from '../../helpers/node-setting.js';
import {type Mutable, otherHost} from '../../helpers/recorded-facts.js';

const setting = nodeSetting([looseRootfs]);

type Seen = Pick<HostState, 'facts' | 'member'>;

function states(
	change: (facts: Mutable<HostFacts>) => void = () => undefined,
	member?: HostState['member'],
): ReadonlyMap<string, Seen> {
	const bare = (facts: Mutable<HostFacts>): void => {
		delete facts.software.commands.containerd;
		change(facts);
	};
	const named = (name: string, letter: string): HostFacts => ({...otherHost(letter, bare), host: name});
	return new Map(
		setting.hosts.map(({name}, index) => [
			name,
			{facts: named(name, index === 0 ? 'a' : 'b'), ...(member === undefined ? {} : {member})},
		]),
	);
}

const ids = (found: ReturnType<typeof kubernetesFindings>): readonly string[] =>
	found.map(({id, severity}) => `${severity} ${id}`);

test('sound hosts are ready for Kubernetes', t => {
	t.deepEqual(kubernetesFindings(setting, states()), []);
});

test('a runtime of somebody else that runs stops the work, programs of packages are warned of', t => {
	const found = kubernetesFindings(
		setting,
		states(facts => {
			facts.software.services.push('docker.service');
			facts.software.commands.kubelet = '/usr/bin/kubelet';
		}),
	);
	t.deepEqual(ids(found), ['error runtime-running', 'warning programs-of-others']);
	t.deepEqual(found[0]?.hosts, ['10.0.0.1', '10.0.0.9']);
});

test('what a member of the cluster has because it is one is nothing to find', t => {
	const busy = (facts: Mutable<HostFacts>): void => {
		facts.software.services.push('containerd.service', 'kubelet.service');
		facts.software.present.push('/etc/kubernetes/kubelet.conf');
		facts.ports.push({protocol: 'tcp', address: '::', port: 10_250});
	};
	t.deepEqual(kubernetesFindings(setting, states(busy, {cluster: 'default', id: setting.id, role: 'node'})), []);
	const other = kubernetesFindings(setting, states(busy, {cluster: 'other', id: 'ffff', role: 'node'}));
	t.deepEqual(ids(other), ['error port-taken', 'error service-running', 'error left-over', 'error runtime-running']);
	t.deepEqual(kubernetesFindings(setting, states(busy), {isForced: true}), []);
});

test('a port of the API server that was chosen is the one that must be free', t => {
	const chosen = {...setting, network: {...setting.network, apiPort: 8443}};
	const taken = states(facts => facts.ports.push({protocol: 'tcp', address: '::', port: 8443}));
	t.deepEqual(ids(kubernetesFindings(chosen, taken)), ['error port-taken']);
	t.deepEqual(kubernetesFindings(setting, taken), []);
});

test('small hosts are warned of, and a firewall with what to allow through it', t => {
	const found = kubernetesFindings(
		setting,
		states(facts => {
			facts.hardware.cpus = 1;
			facts.security.firewalls = ['ufw'];
		}),
	);
	t.deepEqual(ids(found), ['warning cpus-few', 'warning firewall-active']);
	t.true(found[1]?.mend.includes('10.244.0.0/16, 10.96.0.0/16'));
});

test('the images decide how much room is needed', t => {
	const large = {...looseRootfs, platforms: {'linux/amd64': {...looseRootfs.platforms['linux/amd64']!, bytes: 1e15}}};
	const needy = nodeSetting([large]);
	t.true(ids(kubernetesFindings(needy, states())).includes('error disk-small'));
	t.deepEqual(kubernetesFindings(needy, states(undefined, {cluster: 'default', id: needy.id, role: 'node'})), []);
});

test('a finding that is accepted is not told, and a host that does not answer is not judged', t => {
	const off = states(facts => {
		facts.hardware.swaps = [{path: '/swap.img', sizeBytes: 1}];
		facts.hardware.cpus = 1;
	});
	t.deepEqual(kubernetesFindings(setting, off, {ignore: ['cpus-few']}), []);
	t.deepEqual(kubernetesFindings(setting, new Map()), []);
});

test('conntrack is asked for where this Kubernetes calls it and the image does not bring it', t => {
	const without = states(facts => {
		delete facts.software.commands.conntrack;
	});
	t.deepEqual(ids(kubernetesFindings(setting, without)), ['error command-missing']);
	t.deepEqual(kubernetesFindings(nodeSetting([looseRootfs], {kubernetes: 'v1.32.0'}), without), []);
});
