import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import type {ClusterImage, ClusterSetting} from '../../../lib/runtime/lifecycle/setting.js';
import {type SettleRequest, settleCluster, type WantedHost} from '../../../lib/runtime/lifecycle/settle.js';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import {otherHost} from '../../helpers/recorded-facts.js';

const digest = `sha256:${'a'.repeat(64)}` as const;

function image(name: string, type: ClusterImage['type'], more: Partial<ClusterImage> = {}): ClusterImage {
	return {
		name: `docker.io/library/${name}`,
		digest,
		type,
		...(type === 'rootfs' ? {kubernetes: 'v1.30.2'} : {}),
		platforms: {'linux/amd64': {manifest: digest, bytes: 1}},
		env: {},
		entrypoint: [],
		command: type === 'application' ? [`run ${name}`] : [],
		hooks: {},
		kubeadm: [],
		configs: [],
		files: {},
		...more,
	};
}

const rootfs = image('kubernetes:v1.30.2', 'rootfs');
const redis = image('redis:v7', 'application');
const shop = image('shop:v1', 'application');

function facts(host: string, addresses: readonly string[], defaultOn = 'eth0'): HostFacts {
	return otherHost(host, found => {
		found.network.interfaces = addresses.map((text, index) => ({
			name: `eth${index}`,
			addresses: [text],
			hardware: true,
		}));
		found.network.routes =
			defaultOn === ''
				? []
				: [4, 6].map(family => ({to: 'default', family: family as 4, interface: defaultOn, metric: 100}));
	});
}

function host(
	name: string,
	isMaster: boolean,
	own: readonly string[] = [`${name}/24`],
	defaultOn?: string,
): WantedHost {
	const target = {name, address: name, roles: [isMaster ? 'master' : 'node'], login: {}};
	return {target, isMaster, facts: {...facts('x', own, defaultOn), host: name}};
}

function settle(more: Partial<SettleRequest> = {}): ClusterSetting {
	return settleCluster(
		{name: 'default', hosts: [host('10.0.0.1', true)], images: [rootfs], ...more},
		{proxyMode: () => 'iptables', makeId: () => '0123456789abcdef'},
	);
}

function stateOf(setting: ClusterSetting): ClusterState {
	return {schema: 1, generation: 1, writtenBy: '1', setting, reach: {}, done: {}};
}

test('masters come first, in the order in which they were named', t => {
	const hosts = [host('10.0.0.4', false), host('10.0.0.2', true), host('10.0.0.1', true)];
	const setting = settle({hosts});
	t.deepEqual(
		setting.hosts.map(({name, isMaster}) => [name, isMaster]),
		[
			['10.0.0.2', true],
			['10.0.0.1', true],
			['10.0.0.4', false],
		],
	);
	t.is(setting.version.text, 'v1.30.2');
	t.is(setting.network.virtualAddress, '10.103.97.2');
});

test('a host is known by the address that it is reached by, when that is its own', t => {
	const [known] = settle({hosts: [host('10.0.0.1', true, ['192.168.0.1/24', '10.0.0.1/24'])]}).hosts;
	t.deepEqual(known?.addresses, ['10.0.0.1']);
});

test('a host behind a name is known by the address of its default route', t => {
	const [known] = settle({hosts: [host('web', true, ['192.168.0.1/24', '10.0.0.1/24'], 'eth1')]}).hosts;
	t.deepEqual(known?.addresses, ['10.0.0.1']);
});

test('a host with several addresses and no default route has to be told which', t => {
	const hosts = [host('web', true, ['192.168.0.1/24', '10.0.0.1/24'], '')];
	t.throws(() => settle({hosts}), {code: 'ERR_CLUSTER_ADDRESS', message: /192\.168\.0\.1, 10\.0\.0\.1/});
	const [said] = settle({hosts: [{...hosts[0]!, addresses: ['10.0.0.1']}]}).hosts;
	t.deepEqual(said?.addresses, ['10.0.0.1']);
	t.throws(() => settle({hosts: [{...hosts[0]!, addresses: ['10.0.0.9']}]}), {code: 'ERR_CLUSTER_ADDRESS'});
});

test('a host with one address needs no default route', t => {
	const [known] = settle({hosts: [host('web', true, ['192.168.0.1/24'], '')]}).hosts;
	t.deepEqual(known?.addresses, ['192.168.0.1']);
});

test('hosts of IPv6 alone make a cluster of IPv6', t => {
	const {network, hosts} = settle({hosts: [host('fd00::1', true, ['fd00::1/64'])]});
	t.deepEqual(hosts[0]?.addresses, ['fd00::1']);
	t.deepEqual(network.pods, ['fd00:100:64::/48']);
});

test('networks of both families give hosts one address of each', t => {
	const kubeadm = [
		{
			apiVersion: 'kubeadm.k8s.io/v1beta3',
			kind: 'ClusterConfiguration',
			networking: {podSubnet: '10.1.0.0/16,fd01::/64', serviceSubnet: '10.2.0.0/16,fd02::/112'},
		},
	];
	const hosts = [host('10.0.0.1', true, ['10.0.0.1/24', 'fd00::1/64'])];
	t.deepEqual(settle({hosts: [{...hosts[0]!, facts: both()}], kubeadm}).hosts[0]?.addresses, ['10.0.0.1', 'fd00::1']);
	t.throws(() => settle({hosts: [host('10.0.0.2', true)], kubeadm}), {
		code: 'ERR_CLUSTER_ADDRESS',
		message: /no address of IPv6/,
	});
});

function both(): HostFacts {
	const found = facts('x', ['10.0.0.1/24']);
	return {
		...found,
		host: '10.0.0.1',
		network: {...found.network, interfaces: [{name: 'eth0', addresses: ['10.0.0.1/24', 'fd00::1/64'], hardware: true}]},
	};
}

test('addresses of networks of pods are none of the host', t => {
	const found = facts('x', ['10.0.0.1/24']);
	const inner = ['cni0', 'docker0', 'kube-ipvs0', 'flannel.1'].map(name => ({
		name,
		addresses: ['10.244.0.1/24'],
		hardware: false,
	}));
	const network = {...found.network, interfaces: [...inner, ...found.network.interfaces], routes: []};
	const [known] = settle({hosts: [{...host('web', true), facts: {...found, host: 'web', network}}]}).hosts;
	t.deepEqual(known?.addresses, ['10.0.0.1']);
});

test('what is known keeps its addresses and its id, whatever hosts say later', t => {
	const before = settle();
	const known = stateOf(before);
	const again = settle({known, hosts: [host('10.0.0.1', true, ['172.16.0.1/24'])]});
	t.deepEqual(again, before);
});

test('a host that is silent stays as it is known', t => {
	const before = settle();
	const {facts: _, ...silent} = host('10.0.0.1', true);
	t.deepEqual(settle({known: stateOf(before), hosts: [silent]}), before);
	t.throws(() => settle({hosts: [silent]}), {code: 'ERR_CLUSTER_SETTING'});
});

test('without a rootfs there is no cluster', t => {
	t.throws(() => settle({images: [redis]}), {code: 'ERR_CLUSTER_SETTING', message: /rootfs/});
});

test('images that are run later come behind those that are there, and newer ones take their place', t => {
	const before = settle({images: [rootfs, redis]});
	const newer = image('redis:v8', 'application');
	const names = (setting: ClusterSetting): readonly string[] =>
		setting.images.map(({name}) => name.replace(/.*\//, ''));
	t.deepEqual(names(settle({known: stateOf(before), images: [shop]})), ['kubernetes:v1.30.2', 'redis:v7', 'shop:v1']);
	t.deepEqual(names(settle({known: stateOf(before), images: [newer]})), ['kubernetes:v1.30.2', 'redis:v8']);
	t.deepEqual(names(settle({known: stateOf(before), images: [rootfs], isWhole: true})), ['kubernetes:v1.30.2']);
});

test('what is said for one run stays with its images', t => {
	const before = settle({images: [rootfs, redis], env: {SITE: 'a'}, command: ['my line']});
	t.deepEqual(before.env, {SITE: 'a'});
	t.deepEqual(before.images[1]?.command, ['my line']);
	const later = settle({known: stateOf(before), images: [shop], env: {uninstall: 'true'}});
	t.deepEqual(later.env, {SITE: 'a'});
	t.deepEqual(later.images[1], before.images[1]);
	t.deepEqual(later.images[2]?.given, {uninstall: 'true'});
	t.is(settle({known: stateOf(later), images: []}).images[2]?.given?.uninstall, 'true');
});

test('the same command for the whole cluster gives the same setting', t => {
	const request = {images: [rootfs, redis], env: {SITE: 'a'}};
	const before = settle(request);
	t.deepEqual(settle({...request, known: stateOf(before)}), before);
});

test('documents of the user are kept apart from those of the image', t => {
	const own = {apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', maxPods: 200};
	const ofImage = {...own, maxPods: 50};
	const withDocument = {...rootfs, kubeadm: [ofImage]};
	const before = settle({images: [withDocument], kubeadm: [own]});
	t.deepEqual(before.kubeadm, [ofImage, own]);
	const next = settle({known: stateOf(before), images: [{...rootfs, kubeadm: []}]});
	t.deepEqual(next.kubeadm, [own]);
	t.deepEqual(settle({known: stateOf(before), images: [withDocument], isWhole: true}).kubeadm, [ofImage]);
});

test('a hostname that no node can have is refused', t => {
	const found = facts('x', ['10.0.0.1/24']);
	const named = (hostname: string): WantedHost => ({
		...host('10.0.0.1', true),
		facts: {...found, host: '10.0.0.1', identity: {...found.identity, hostname}},
	});
	t.is(settle({hosts: [named('Web-1.Example.com')]}).hosts[0]?.nodeName, 'web-1.example.com');
	t.throws(() => settle({hosts: [named('localhost')]}), {code: 'ERR_CLUSTER_SETTING'});
	t.throws(() => settle({hosts: [named('a_b')]}), {code: 'ERR_CLUSTER_SETTING', message: /a_b/});
});
