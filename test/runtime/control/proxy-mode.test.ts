import test from 'ava';
import {chooseProxyMode} from '../../../lib/runtime/control/proxy-mode.js';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';

interface Case {
	readonly version: string;
	readonly kernels: readonly string[];
	readonly given?: unknown;
	readonly tables?: 'loaded' | 'loadable' | 'blocked' | 'absent';
}

const chooses = test.macro(
	(t, {version, kernels, given, tables = 'loadable'}: Case, expected: 'iptables' | 'nftables' | 'ipvs') => {
		const hosts = kernels.map(release => ({release, modules: {nf_tables: tables}}));
		const documents =
			given === undefined
				? []
				: [{apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: given}];
		t.is(chooseProxyMode(parseKubernetesVersion(version), hosts, documents), expected);
	},
);

test(
	'nftables where it is stable and all kernels have it',
	chooses,
	{version: '1.33.0', kernels: ['5.13.0', '6.1']},
	'nftables',
);
test('one old kernel is enough for iptables', chooses, {version: '1.35.0', kernels: ['6.1.0', '5.4.0-1']}, 'iptables');
test('so is one without nf_tables', chooses, {version: '1.35.0', kernels: ['6.1.0'], tables: 'absent'}, 'iptables');
test('and one that may not load it', chooses, {version: '1.35.0', kernels: ['6.1.0'], tables: 'blocked'}, 'iptables');
test('iptables before nftables was stable', chooses, {version: '1.32.9', kernels: ['6.12.0']}, 'iptables');
test('what the user says counts', chooses, {version: '1.33.0', kernels: ['6.1.0'], given: 'ipvs'}, 'ipvs');
test('an empty mode says nothing', chooses, {version: '1.20.2', kernels: ['6.1.0'], given: ''}, 'iptables');

test('a mode that there is not is refused', t => {
	const mode = {apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'userspace'};
	t.throws(() => chooseProxyMode(parseKubernetesVersion('1.30.0'), [], [mode]), {code: 'ERR_KUBEADM_DOCUMENT'});
});

test('a mode that this Kubernetes does not have yet is refused', t => {
	const mode = {apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'nftables'};
	const choose = (version: string) => chooseProxyMode(parseKubernetesVersion(version), [], [mode]);
	t.throws(() => choose('1.28.15'), {code: 'ERR_KUBEADM_DOCUMENT', message: /v1\.28\.15 does not have$/});
	t.is(choose('1.31.0'), 'nftables');
});
