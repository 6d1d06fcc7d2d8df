import {lstat} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists} from '../../../core/io-error.js';
import type {NodeOptions} from '../../node/changes.js';
import {clearContents, lookAtContents} from '../../node/contents.js';
import {readRecord} from '../../node/record.js';
import type {NodeSystem} from '../../node/system.js';
import type {Work} from '../../node/work.js';

export interface FolderRequest {
	readonly role: 'master' | 'node';
	/** Where etcd has its data, when it is not the usual place. */
	readonly etcdFolder?: string | undefined;
	/** The root folder of the kubelet, when it is not the usual place. */
	readonly kubeletFolder?: string | undefined;
}

/** Kubernetes' alone: without a record of what was in them before, all of it goes. */
const ownFolders = ['/etc/kubernetes', '/var/lib/kubelet'] as const;
const etcdFolder = '/var/lib/etcd';
/** Others may use these too: without a record only what has a name of a pod network goes. */
const sharedFolders = [
	'/etc/cni/net.d',
	'/var/lib/cni',
	'/run/flannel',
	'/var/log/pods',
	'/var/log/containers',
] as const;

/** Removes what Kubernetes keeps on the host; what was in these folders before the host was prepared stays. */
export async function clearFolders(
	request: FolderRequest,
	root: string,
	system: NodeSystem,
	work: Work,
	options: NodeOptions,
): Promise<void> {
	const {contents = {}} = await readRecord(root);
	const own: readonly string[] = request.role === 'master' ? [...ownFolders, etcdFolder] : ownFolders;
	const clear = async (folder: string, before: readonly string[] | null): Promise<void> => {
		await work.attempt('', folder, async () => {
			const gone = await clearContents(folder, before, system, options);
			work.done.push(...gone.map(path => `remove ${path}`));
		});
	};
	for (const folder of own) await clear(folder, Object.hasOwn(contents, folder) ? contents[folder]! : null);
	for (const folder of sharedFolders) {
		const before = Object.hasOwn(contents, folder) ? contents[folder]! : await strangersIn(folder, options);
		await clear(folder, before);
	}
	for (const [folder, names] of [
		// The second is what a member left that lost its place (control/etcd).
		[request.etcdFolder, ['member', 'member.left']],
		[request.kubeletFolder, kubeletNames],
	] as const) {
		if (folder === undefined || own.includes(folder) || !(await isFolder(folder, options))) continue;
		const there = (await lookAtContents(options.disk ?? '/', folder)) ?? [];
		await clear(
			folder,
			there.filter(name => !(names as readonly string[]).includes(name)),
		);
	}
}

/** A folder that a user may have chosen for data: none of the system itself, for something in it is removed. */
export function isDataFolder(path: string): boolean {
	const [, first = '', ...deeper] = path.split('/');
	if (!/^(?:\/[\w-][\w.-]*)+$/.test(path) || systemFolders.has(first)) return false;
	return deeper.length > 0 || !sharedRoots.has(first);
}

const systemFolders: ReadonlySet<string> = new Set([
	'bin',
	'boot',
	'dev',
	'etc',
	'lib',
	'lib32',
	'lib64',
	'libx32',
	'proc',
	'sbin',
	'sys',
	'usr',
]);
/** Others have their folders in these. */
const sharedRoots: ReadonlySet<string> = new Set([
	'home',
	'lost+found',
	'media',
	'mnt',
	'opt',
	'root',
	'run',
	'srv',
	'tmp',
	'var',
]);

/** What a kubelet makes in its root folder: in one that a user chose nothing else is touched. */
const kubeletNames: readonly string[] = [
	'actuated_pods_state',
	'allocated_pods_state',
	'checkpoints',
	'config.yaml',
	'cpu_manager_state',
	'device-plugins',
	'instance-config.yaml',
	'kubeadm-flags.env',
	'memory_manager_state',
	'pki',
	'plugin-containers',
	'plugins',
	'plugins_registry',
	'pod-resources',
	'pods',
	'usernsctl',
];

/** What pod networks did not put there, as far as names tell. */
async function strangersIn(folder: string, {disk = '/'}: NodeOptions): Promise<readonly string[]> {
	const names = (await lookAtContents(disk, folder)) ?? [];
	return folder === '/etc/cni/net.d' || folder === '/var/lib/cni' ? names.filter(name => !ofPods.test(name)) : [];
}

const ofPods = /calico|flannel|cilium|weave|kube-router|kubenet|antrea|kindnet|^cni0$|^10-sealimage/i;

async function isFolder(path: string, {disk = '/'}: NodeOptions): Promise<boolean> {
	return (await ifExists(() => lstat(join(disk, path))))?.isDirectory() === true;
}
