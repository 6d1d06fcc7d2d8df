import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import type {ExecutionContext} from 'ava';
import {type LabHost, onHost} from '../lab/hosts.js';
import {whyNoKubernetes} from '../lab/kubernetes/available.js';
import {builtVersion, recipes, storeDir} from '../lab/kubernetes/place.js';
import {onLabHosts} from './lab-test.js';

// That the images of test/lab/kubernetes are whole: what a host gets from them, and from nowhere else, makes a cluster.
const onHosts = onLabHosts(['kube-1'], {memoryMiB: 3072, alone: true});
const images = [`kubernetes:${builtVersion}`, 'cni:v1', 'redis:v7'];
const execute = promisify(execFile);
const kubectl = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';

function labTest(title: string, body: (t: ExecutionContext, host: LabHost) => Promise<void>): void {
	onHosts(title, async (t, [host]) => {
		const why = whyNoKubernetes();
		if (why === undefined) await body(t, host);
		else {
			t.log(`skipped: ${why}`);
			t.pass();
		}
	});
}

async function sealimage(...args: readonly string[]): Promise<string> {
	const cli = [join(process.cwd(), 'dist/bin/sealimage.js'), '--root', storeDir];
	const {stdout} = await execute(process.execPath, [...cli, ...args], {maxBuffer: 64 << 20});
	return stdout;
}

const flagsFor = ({address, keyFile}: LabHost): string[] => [
	...['--masters', address, '--user', 'root', '--identity', keyFile],
	...['--no-agent', '--host-key', 'off', '--ssh-config', 'none'],
];

const config = ({address}: LabHost): string => `apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {criSocket: /run/containerd/containerd.sock, taints: []}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: ${builtVersion}
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
`;

/** Where the images are on the host. */
let trees: readonly string[] = [];

labTest('a host gets everything from the images, and nothing from elsewhere', async (t, host) => {
	const {hosts} = JSON.parse(await sealimage('distribute', ...images, ...flagsFor(host), '--output', 'json')) as {
		hosts: {images: {path: string}[]}[];
	};
	trees = hosts[0]?.images.map(({path}) => path) ?? [];
	t.is(trees.length, images.length);
	await sealimage('registry', 'install', ...flagsFor(host));
	onHost(host.name, `sh -s ${trees[0]}`, readFileSync(join(recipes, 'on-host/prepare-node'), 'utf8'));
});

labTest('it becomes a master with that', async (t, host) => {
	const [, cni = '', redis = ''] = trees;
	onHost(host.name, 'cat >/root/kubeadm.yaml', config(host));
	const ignored = '--ignore-preflight-errors=NumCPU,SystemVerification';
	const said = onHost(host.name, `kubeadm init --config /root/kubeadm.yaml ${ignored} 2>&1`, '', 280_000);
	t.log(said.split('\n').slice(-4).join(' '));
	// The kernel of lab hosts has no netfilter tables for IP, which kube-proxy wants: no service and no pod network can be asked for here.
	onHost(host.name, `${kubectl} apply -f ${cni}/manifests -f ${redis}/manifests`);
	const running = '-o jsonpath=\'{.items[?(@.status.phase=="Running")].metadata.labels.component}\'';
	const ask = `${kubectl} -n kube-system get pods -l tier=control-plane ${running}`;
	// The kubelet tells the API of its own pods a moment after they run.
	const parts = onHost(
		host.name,
		`for i in $(seq 60); do p=$(${ask}); [ $(echo $p | wc -w) = 4 ] && break; sleep 1; done; echo $p`,
	);
	t.deepEqual(parts.trim().split(' ').toSorted(), [
		'etcd',
		'kube-apiserver',
		'kube-controller-manager',
		'kube-scheduler',
	]);
	const version = onHost(host.name, `${kubectl} get nodes -o jsonpath='{.items[*].status.nodeInfo.kubeletVersion}'`);
	t.is(version, builtVersion);
});
