import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';

/** Scripts and Go programs. Tests run from the project's root. */
export const recipes = 'test/lab/kubernetes';

/** The version that Debian has the source of. */
export const builtVersion = 'v1.20.2';

/** What is made once and kept: `v1.20.2/bin`, `parts`, and the image store `store`. */
export const kubernetesDir: string =
	process.env.LAB_KUBERNETES_DIR ??
	join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealimage/kubernetes');

/** The programs of a version: kubeadm, kubelet, kubectl, kube-apiserver and the others, all static. */
export function binariesDir(version: string = builtVersion): string {
	return join(kubernetesDir, version, 'bin');
}

/** Programs from Debian's packages: `cri/` and `cni/` for hosts, roots of containers beside them. */
export const partsDir: string = join(kubernetesDir, 'parts');

/** The image store with every image that `npm run lab -- kubernetes` builds. */
export const storeDir: string = join(kubernetesDir, 'store');

/** A name for what a recipe makes: another recipe makes another thing. */
export function keyOf(...paths: readonly string[]): string {
	const hash = createHash('sha256');
	for (const path of paths.flatMap(filesBelow)) hash.update(`${path}\0`).update(readFileSync(path));
	return hash.digest('hex').slice(0, 12);
}

function filesBelow(path: string): string[] {
	if (!statSync(path).isDirectory()) return [path];
	return readdirSync(path)
		.toSorted()
		.flatMap(entry => filesBelow(join(path, entry)));
}
