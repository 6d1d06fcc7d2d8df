import {execFile} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import type {SealEvent} from '../../lib/core/events.js';
import {digestOf} from '../../lib/oci/digest.js';
import {openAgent} from '../../lib/runtime/agent/connection.js';
import type {AgentConnection} from '../../lib/runtime/agent/protocol.js';
import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import type {ActionInputs, ActionKind, ClusterAction} from '../../lib/runtime/lifecycle/actions.js';
import type {ClusterRun, Performer, RunHost} from '../../lib/runtime/lifecycle/run.js';
import type {ClusterImage} from '../../lib/runtime/lifecycle/setting.js';
import {prepare} from '../../lib/runtime/rootfs/performers/prepare.js';
import {reset} from '../../lib/runtime/rootfs/performers/reset.js';
import {restore} from '../../lib/runtime/rootfs/performers/restore.js';
import {stage} from '../../lib/runtime/rootfs/performers/stage.js';
import {compareFacts} from '../../lib/runtime/rootfs/second-look.js';
import {kubernetesWish} from '../../lib/runtime/rootfs/wish.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import {master, nodeSetting, nothing} from '../helpers/node-setting.js';
import {copyToHost, type LabHost, onHost} from '../lab/hosts.js';
import {whyNoKubernetes} from '../lab/kubernetes/available.js';
import {builtVersion, storeDir} from '../lab/kubernetes/place.js';
import {agentOnHost, putAgent} from './agent-on-host.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['rootfs-a'], {memoryMiB: 1024});
const execute = promisify(execFile);
const root = '/var/lib/sealimage';
const image = `kubernetes:${builtVersion}`;

labTest('a host becomes a node that runs containers, and then what it was', async (t, [host]) => {
	t.timeout(300_000);
	const why = whyNoKubernetes();
	if (why !== undefined) {
		t.log(`skipped: ${why}`);
		t.pass();
		return;
	}
	const target = targetOf(host);
	await using transport = openTransport({
		operator: {user: 'root', home: '/nonexistent'},
		hostKey: 'off',
		configFiles: [],
	})(target);
	await putAgent(host.name);
	putKoffi(host.name);
	const before = await gatherFacts(transport);
	const files = everything(host);
	const tree = await distribute(host);
	const rootfs = imageAt(host, tree);
	const setting = nodeSetting([rootfs], {kubernetes: builtVersion, proxyMode: 'ipvs'});
	let session: Promise<AgentConnection> | undefined;
	const node: RunHost = {
		...master,
		name: host.name,
		target,
		transport,
		state: {facts: before, journal: {}, kubernetes: nothing},
		agent: () => (session ??= openAgent(transport, {path: agentOnHost})),
	};
	const run: ClusterRun = {
		setting,
		root,
		hosts: new Map([[host.name, node]]),
		liveMasters: () => [],
		noteLive: () => undefined,
		treeOf: () => tree,
		noteDone: () => Promise.resolve(),
	};
	const events: SealEvent[] = [];
	const perform = async <K extends ActionKind>(work: Performer<K>, kind: K, input: ActionInputs[K]): Promise<void> => {
		const action = {id: kind, kind, host: host.name, phase: kind, title: kind, needs: [], input};
		await work(run, action as unknown as ClusterAction<K> & {readonly input: ActionInputs[K]}, {
			onEvent: event => events.push(event),
		});
	};
	const from = digestOf('test');
	await perform(stage, 'stage', {place: 'rootfs', images: [], from});
	await perform(prepare, 'prepare', {wish: from});
	t.is(onHost(host.name, 'systemctl is-active containerd; systemctl is-enabled kubelet'), 'active\nenabled\n');
	t.regex(onHost(host.name, 'crictl -r unix:///run/containerd/containerd.sock info'), /RuntimeReady/);
	t.is(onHost(host.name, 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/vm/overcommit_memory'), '1\n1\n');
	const wish = kubernetesWish(setting, node, before);
	t.deepEqual(await (await node.agent()).call('prepare', {wish, dryRun: true}), {changes: []});
	// As a kubelet and a pod network would leave them.
	onHost(host.name, 'mkdir -p /etc/kubernetes/manifests /var/lib/kubelet/pods/1/v; echo x >/etc/kubernetes/admin.conf');
	onHost(host.name, 'mount -t tmpfs none /var/lib/kubelet/pods/1/v; ip link add cni0 type dummy; sync');
	await perform(reset, 'reset', {node: 'm1', role: 'master'});
	t.is(
		onHost(host.name, 'ls -d /etc/kubernetes /var/lib/kubelet 2>/dev/null; ip -o link show cni0 2>/dev/null || true'),
		'',
	);
	await perform(restore, 'restore', {cluster: 'default'});
	t.deepEqual(
		events.filter(({type}) => type === 'warning' || type === 'host.restored'),
		[{type: 'host.restored', host: host.name, clean: true, leftovers: []}],
	);
	t.deepEqual(compareFacts(before, await gatherFacts(transport)), []);
	t.is(onHost(host.name, `ls -d ${root} /opt/sealimage 2>/dev/null || true`), '');
	t.deepEqual(difference(files, everything(host)), []);
});

function targetOf({name, address, keyFile}: LabHost): HostTarget {
	return {name, address, roles: ['master'], login: {user: 'root', identities: [{file: keyFile}], agent: false}};
}

/** With what the agent speaks to the kernel, which an installed one has beside itself. */
function putKoffi(name: string): void {
	copyToHost(name, 'node_modules/koffi', '/opt/agent/node_modules');
	for (const native of readdirSync('node_modules/@koromix'))
		copyToHost(name, join('node_modules/@koromix', native), '/opt/agent/node_modules/@koromix');
}

/** Brings image and agent as users do. @returns the folder of the image's tree on the host */
async function distribute({address, keyFile}: LabHost): Promise<string> {
	const {stdout} = await execute(
		process.execPath,
		[
			...[join(process.cwd(), 'dist/bin/sealimage.js'), '--root', storeDir, 'distribute', image],
			...['--masters', address, '--user', 'root', '--identity', keyFile],
			...['--no-agent', '--host-key', 'off', '--ssh-config', 'none', '--output', 'json'],
		],
		{maxBuffer: 64 << 20},
	);
	const {hosts} = JSON.parse(stdout) as {hosts: {images: {path: string}[]}[]};
	return hosts[0]?.images[0]?.path ?? '';
}

/** What the image is to a cluster, read from its tree on the host. */
function imageAt({name}: LabHost, tree: string): ClusterImage {
	const found = onHost(
		name,
		`cd ${tree} && find . -path ./registry -prune -o -mindepth 1 -printf '%y %m %s %P\\t%l\\n'`,
	);
	const kinds: Readonly<Record<string, 'file' | 'folder' | 'link'>> = {f: 'file', d: 'folder', l: 'link'};
	const files = found
		.split('\n')
		.filter(Boolean)
		.map(line => {
			const [, type = '', mode = '', size = '', path = '', target = ''] =
				/^(\w) (\d+) (\d+) (.*)\t(.*)$/.exec(line) ?? [];
			const kind = kinds[type] ?? 'file';
			const about = {path, kind, mode: Number.parseInt(mode, 8), sizeBytes: Number(size)};
			return kind === 'link' ? {...about, target} : about;
		});
	return {
		...{name: image, digest: digestOf(image), type: 'rootfs', kubernetes: builtVersion},
		platforms: {'linux/amd64': {manifest: digestOf(tree), bytes: 1}},
		env: {sandboxImage: 'pause:3.2'},
		...{entrypoint: [], command: [], hooks: {}, kubeadm: [], configs: []},
		files: {'linux/amd64': files},
	};
}

/** Files and links of the system's own folders, units, and settings of the kernel that a node changes. */
function everything({name}: LabHost): readonly string[] {
	return onHost(
		name,
		`find /etc /opt /usr /root /var/lib -not -path '/var/lib/systemd/*' -not -path '/var/lib/private/*' -printf '%p %y %m %u %l\\n' | sort
		systemctl list-unit-files --no-legend --no-pager | sort
		cd /proc/sys && head -n 1 vm/overcommit_memory kernel/panic net/ipv4/ip_forward`,
	).split('\n');
}

function difference(before: readonly string[], after: readonly string[]): readonly string[] {
	return [
		...before.filter(line => !after.includes(line)).map(line => `- ${line}`),
		...after.filter(line => !before.includes(line)).map(line => `+ ${line}`),
	];
}
