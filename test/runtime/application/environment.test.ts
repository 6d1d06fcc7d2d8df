import test from 'ava';
import {checkEnvironment, environmentOf, exportable, isOurs} from '../../../lib/runtime/application/environment.js';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';

const setting = {
	name: 'east',
	version: parseKubernetesVersion('v1.30.2'),
	env: {B: 'cluster', C: 'cluster', D: 'cluster', E: 'cluster'},
	network: {
		pods: ['100.64.0.0/10', 'fd00:100:64::/48'],
		services: ['10.96.0.0/22'],
		dnsDomain: 'cluster.local',
		apiPort: 6443,
		virtualAddress: '10.103.97.2',
	},
};
const host = {roles: ['master', 'gpu'], env: {C: 'host', D: 'host'}};

test('what users say counts more than images, and what is said of the run most', t => {
	const rootfs = {env: {A: 'rootfs', criData: '/var/lib/containerd'}};
	const image = {env: {A: 'image', B: 'image', C: 'image'}, given: {D: 'given'}};
	t.like(environmentOf(setting, host, [image], [rootfs]), {
		A: 'image',
		B: 'cluster',
		C: 'host',
		D: 'given',
		E: 'cluster',
		criData: '/var/lib/containerd',
	});
});

test('what is given to the images below is not for those that stand on them', t => {
	const rootfs = {env: {A: 'rootfs'}, given: {A: 'given'}};
	t.is(environmentOf(setting, host, [{env: {}}], [rootfs]).A, 'rootfs');
	t.is(environmentOf(setting, host, [rootfs]).A, 'given');
});

test('the cluster is told under our names and those of sealos, which users cannot set and images can only add to', t => {
	const image = {env: {SEALOS_SYS_CRI_ENDPOINT: '/run/x.sock', SEALOS_SYS_KUBE_VERSION: 'image'}};
	const said = {
		...setting,
		env: {SEALOS_SYS_KUBE_VERSION: 'user', SEALIMAGE_ROLES: 'user', SEALOS_SYS_CRI_ENDPOINT: 'user'},
	};
	t.deepEqual(environmentOf(said, {...host, env: {SEALOS_SYS_X: 'user'}}, [image]), {
		SEALOS_SYS_CRI_ENDPOINT: '/run/x.sock',
		SEALOS_SYS_KUBE_VERSION: 'v1.30.2',
		SEALOS_SYS_SEALOS_VERSION: '5.0.1',
		SEALOS_SYS_RUN_MODE: 'master,gpu',
		SEALIMAGE_CLUSTER: 'east',
		SEALIMAGE_KUBERNETES_VERSION: 'v1.30.2',
		SEALIMAGE_API_HOST: '10.103.97.2',
		SEALIMAGE_API_PORT: '6443',
		SEALIMAGE_POD_NETWORK: '100.64.0.0/10,fd00:100:64::/48',
		SEALIMAGE_SERVICE_NETWORK: '10.96.0.0/22',
		SEALIMAGE_ROLES: 'master,gpu',
	});
	t.deepEqual(['PATH', 'KUBECONFIG', 'SEALIMAGE_X', 'SEALOS_SYS_X', 'SEALOS', 'MYPATH'].map(isOurs), [
		true,
		true,
		true,
		true,
		false,
		false,
	]);
});

test('names that no shell has stay out of the environment of processes', t => {
	t.deepEqual(exportable({a: '1', _B2: '2', 'a-b': '3', 'a.b': '4', '1a': '5', '': '6', PPID: '7'}), {
		a: '1',
		_B2: '2',
	});
});

test('a process that Linux would not start is refused before, without the value', t => {
	const secret = 's3cret'.repeat(30_000);
	for (const env of [
		{X: `a\0b`},
		{LONG: secret},
		Object.fromEntries(Array.from({length: 20}, (_, i) => [`V${i}`, 'x'.repeat(60_000)])),
	]) {
		const error = t.throws(() => checkEnvironment(env as Record<string, string>), {code: 'ERR_ENVIRONMENT'});
		t.false(JSON.stringify(error).includes('s3cret'));
	}
	t.notThrows(() => checkEnvironment({X: 'x'.repeat(100_000)}));
});
