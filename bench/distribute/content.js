import {randomBytes} from 'node:crypto';
import {closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** How a rootfs image divides: some large programs, container images that are compressed already, and many small files. */
const programs = ['bin/kubelet', 'bin/kubeadm', 'bin/kubectl', 'cri/containerd', 'cri/runc'];
const programShare = 0.08;
const images = 40;
const smallFiles = 300;

/** Writes a folder of about `sizeBytes` with a Sealfile of one layer a component. What is in the files cannot be compressed. */
export function makeRootfs(folder, sizeBytes) {
	rmSync(folder, {recursive: true, force: true});
	for (const path of programs) fill(join(folder, path), sizeBytes * programShare);
	const imageBytes = (sizeBytes * (1 - programs.length * programShare)) / images;
	for (let number = 0; number < images; number++) fill(join(folder, `images/data/image-${number}`), imageBytes);
	for (let number = 0; number < smallFiles; number++) write(join(folder, `etc/part-${number}.conf`), randomBytes(2000));
	const layers = [...programs, 'images/data', 'etc'].map(path => `COPY ${path} /${path}`);
	write(join(folder, 'Sealfile'), ['FROM scratch', ...layers, ''].join('\n'));
	return {folder, changed: join(folder, 'bin/kubelet'), changedBytes: sizeBytes * programShare};
}

/** Another kubelet. */
export function changeComponent({changed, changedBytes}) {
	fill(changed, changedBytes);
}

function fill(path, sizeBytes) {
	mkdirSync(dirname(path), {recursive: true});
	const file = openSync(path, 'w', 0o755);
	for (let left = Math.round(sizeBytes); left > 0; left -= 1 << 20)
		writeSync(file, randomBytes(Math.min(left, 1 << 20)));
	closeSync(file);
}

function write(path, bytes) {
	mkdirSync(dirname(path), {recursive: true});
	writeFileSync(path, bytes);
}
