import {execFileSync} from 'node:child_process';
import {copyFileSync, cpSync, mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {binariesDir, partsDir, recipes, storeDir} from '../../.build/test/lab/kubernetes/place.js';

const programs = ['kubeadm', 'kubelet', 'kubectl', 'crictl'];

/** What by-hand.sh takes to hosts: the same programs and images that the cluster image holds, as files and archives. */
export function makeFiles(folder, version) {
	rmSync(folder, {recursive: true, force: true});
	for (const name of ['bin', 'manifests', 'images/all', 'images/masters'])
		mkdirSync(join(folder, name), {recursive: true});
	for (const name of programs) copyFileSync(join(binariesDir(version), name), join(folder, 'bin', name));
	for (const name of ['cri', 'cni']) cpSync(join(partsDir, name), join(folder, name), {recursive: true});
	cpSync(join(recipes, 'images/kubernetes/etc'), join(folder, 'etc'), {recursive: true});
	cpSync(join(recipes, 'images/cni/manifests'), join(folder, 'manifests'), {recursive: true});
	const ofVersion = names => names.map(name => `k8s.gcr.io/${name}:${version}`);
	save(join(folder, 'images/all/node.tar'), [
		...ofVersion(['kube-proxy']),
		'k8s.gcr.io/pause:3.2',
		'k8s.gcr.io/coredns:1.7.0',
		'registry.example.com/lab/cni:v1',
	]);
	save(join(folder, 'images/masters/control-plane.tar'), [
		...ofVersion(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']),
		'k8s.gcr.io/etcd:3.4.13-0',
	]);
	return folder;
}

function save(file, images) {
	const sealimage = ['dist/bin/sealimage.js', '--root', storeDir, 'save', '--quiet', '--format', 'oci-archive'];
	execFileSync(process.execPath, [...sealimage, '--dest', file, ...images], {stdio: ['ignore', 'ignore', 'inherit']});
}
