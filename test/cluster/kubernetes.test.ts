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
const onHosts = onLabHosts(['kube-1'], {memoryMiB: 3072});
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

labTest('a host becomes a master with what the images bring, and nothing else', async (t, host) => {
	t.timeout(900_000);
	const {hosts} = JSON.parse(await sealimage('distribute', ...images, ...flagsFor(host), '--output', 'json')) as {
		hosts: {images: {path: string}[]}[];
	};
	const [rootfs = '', cni = '', redis = ''] = hosts[0]?.images.map(({path}) => path) ?? [];
	await sealimage('registry', 'install', ...flagsFor(host));
	onHost(host.name, `sh -s ${rootfs}`, readFileSync(join(recipes, 'on-host/prepare-node'), 'utf8'));
	onHost(host.name, 'cat >/root/kubeadm.yaml', config(host));
	const ignored = '--ignore-preflight-errors=NumCPU,SystemVerification';
	t.log(onHost(host.name, `kubeadm init --config /root/kubeadm.yaml ${ignored} 2>&1`).split('\n').slice(-4).join(' '));
	onHost(host.name, `${kubectl} apply -f ${cni}/manifests -f ${redis}/manifests`);
	onHost(host.name, `${kubectl} wait --for=condition=Ready nodes --all --timeout=300s`);
	onHost(host.name, `${kubectl} -n redis wait --for=condition=Available deployment/redis --timeout=300s`);
	onHost(host.name, `${kubectl} -n kube-system wait --for=condition=Available deployment/coredns --timeout=300s`);
	t.is(
		onHost(host.name, `${kubectl} get nodes -o jsonpath='{.items[*].status.nodeInfo.kubeletVersion}'`),
		builtVersion,
	);
});

labTest('pods find services by their names, and the host reaches them by address', async (t, host) => {
	const ping = `${kubectl} -n redis exec deployment/redis -- redis-cli -h redis.redis.svc.cluster.local ping`;
	t.is(onHost(host.name, ping), 'PONG\n');
	const address = onHost(host.name, `${kubectl} -n redis get service redis -o jsonpath='{.spec.clusterIP}'`);
	const ask = (at: string, port: number): string =>
		onHost(host.name, `timeout 10 bash -c 'exec 3<>/dev/tcp/${at}/${port}; printf "PING\\r\\n" >&3; head -n 1 <&3'`);
	t.is(ask(address, 6379), '+PONG\r\n');
	t.is(ask(host.address, 30379), '+PONG\r\n');
});
