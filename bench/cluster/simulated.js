import {spawnSync} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const program = join(import.meta.dirname, 'simulated-cluster.js');

/**
 * Clusters of so many hosts that are only played, each in a process of its own: what it takes to look at them, to plan, to show the plan, to do it, and to find
 * that there is nothing to do.
 * @param folder for images and the operator's state; made anew
 */
export function simulateAll(counts, folder) {
	if (counts.length === 0) return [];
	rmSync(folder, {recursive: true, force: true});
	makeImages(folder);
	const rows = counts.map(hosts => {
		console.error(`simulating ${hosts} hosts`);
		const {status, stdout} = spawnSync(process.execPath, [program, String(hosts), folder], {
			stdio: ['ignore', 'pipe', 'inherit'],
			encoding: 'utf8',
		});
		if (status !== 0) throw new Error(`Simulating ${hosts} hosts failed`);
		return JSON.parse(stdout);
	});
	rmSync(folder, {recursive: true, force: true});
	return rows;
}

/** As those of a real cluster, but that programs are short. */
function makeImages(folder) {
	const rootfs = join(folder, 'rootfs');
	const application = join(folder, 'application');
	for (const name of ['bin', 'cri/bin', 'opt/cni/bin', 'manifests']) mkdirSync(join(rootfs, name), {recursive: true});
	const programs = {
		bin: ['kubeadm', 'kubelet', 'kubectl', 'crictl'],
		'cri/bin': ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc'],
		'opt/cni/bin': ['bandwidth', 'bridge', 'firewall', 'host-local', 'loopback', 'portmap', 'ptp', 'static', 'tuning'],
		manifests: Array.from({length: 100}, (_, number) => `${number}.yaml`),
	};
	for (const [path, names] of Object.entries(programs))
		for (const name of names) writeFileSync(join(rootfs, path, name), name, {mode: 0o755});
	writeFileSync(
		join(rootfs, 'Sealfile'),
		'FROM scratch\nLABEL sealos.io.type=rootfs sealos.io.distribution=kubernetes version=v1.30.2\nCOPY . /\n',
	);
	mkdirSync(application);
	writeFileSync(
		join(application, 'Sealfile'),
		'FROM scratch\nLABEL sealos.io.type=application\nCMD ["kubectl apply -f manifests/"]\n',
	);
	for (const [name, path] of [
		['kubernetes:v1.30.2', rootfs],
		['cni:v1', application],
	])
		build(join(folder, 'store'), name, path);
}

function build(store, name, context) {
	const argv = [
		'dist/bin/sealimage.js',
		'--root',
		store,
		'build',
		'--quiet',
		'--platform',
		'linux/amd64',
		'--tag',
		name,
	];
	const {status} = spawnSync(process.execPath, [...argv, context], {stdio: ['ignore', 'ignore', 'inherit']});
	if (status !== 0) throw new Error(`Building ${name} failed`);
}
