import test from 'ava';
import {ignoredChecks} from '../../../lib/runtime/control/preflights.js';

const network = {apiPort: 6443, pods: ['100.64.0.0/10']};

test('a node that joins passes over the files that were brought to it', t => {
	const {always, again} = ignoredChecks('join', {isMaster: false, network});
	// Up to 1.21 kubeadm refuses swap that the kubelet is told to bear.
	t.true(always.includes('Swap'));
	t.deepEqual(always.slice(4), [
		'FileAvailable--etc-kubernetes-kubelet.conf',
		'FileAvailable--etc-kubernetes-pki-ca.crt',
		'FileAvailable--etc-kubernetes-bootstrap-kubelet.conf',
	]);
	t.deepEqual(again, ['Port-10250', 'DirAvailable--etc-kubernetes-manifests']);
});

test('a master passes over its own ports and manifests when it begins again, at the places that the user chose', t => {
	const {always, again} = ignoredChecks('init', {
		isMaster: true,
		network: {...network, apiPort: 8443},
		dataDir: '/data/etcd',
	});
	t.false(always.some(name => name.startsWith('Port') || name.startsWith('File')));
	for (const name of [
		'Port-8443',
		'Port-2380',
		'FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml',
		'DirAvailable--data-etcd',
	])
		t.true(again.includes(name), name);
	t.false(ignoredChecks('init', {isMaster: true, network}).again.some(name => name.endsWith('etcd')));
});

test('where pods speak IPv6 alone, nobody needs hosts that pass IPv4 on', t => {
	const forwarding = 'FileContent--proc-sys-net-ipv4-ip_forward';
	const alwaysOf = (pods: readonly string[]): readonly string[] =>
		ignoredChecks('init', {isMaster: true, network: {apiPort: 6443, pods}}).always;
	t.true(alwaysOf(['fd00:100:64::/48']).includes(forwarding));
	t.false(alwaysOf(['100.64.0.0/10', 'fd00:100:64::/48']).includes(forwarding));
});
