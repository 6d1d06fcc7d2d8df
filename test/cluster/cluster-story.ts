import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {type LabHost, onHost} from '../lab/hosts.js';
import {whyNoKubernetes} from '../lab/kubernetes/available.js';
import {builtVersion, storeDir} from '../lab/kubernetes/place.js';
import {onLabHosts} from './lab-test.js';

/** Hosts for a cluster: each becomes a machine with so much memory, also when it boots again. */
export const clusterHost = {memoryMiB: 2560};

/** What is run: all of it built by sealimage. */
export const images = [`kubernetes:${builtVersion}`, 'cni:v1', 'redis:v7'];

const home = mkdtempSync(join(tmpdir(), 'sealimage-kubernetes-'));
test.after.always(() => rmSync(home, {recursive: true, force: true}));

export const cli = [join(process.cwd(), 'dist/bin/sealimage.js')];
export const env = {...process.env, SEALIMAGE_ROOT: storeDir, SEALIMAGE_CLUSTERS: join(home, 'clusters')};

export const loginOf = ({keyFile}: LabHost): string[] => [
	...['--user', 'root', '--identity', keyFile, '--no-agent'],
	...['--known-hosts', join(home, 'known_hosts'), '--ssh-config', 'none'],
];

/** Hosts of this size are no good for work, and kernels of User-Mode Linux balance services with IPVS alone. */
export const labFlags = [
	'--ignore',
	'cpus-few,memory-small,disk-small,cgroup-controller-missing,module-absent',
	'--yes',
];

/**
 * Tests of one file that tell the life of one cluster, on hosts that nothing else uses meanwhile: each goes on where the one before ended. Without Kubernetes, or
 * for another reason that is given, they pass with "skipped: <why>" in their log.
 */
export function clusterStory<const Names extends readonly string[]>(
	names: Names,
	whyNot?: string,
): (
	title: string,
	body: (t: ExecutionContext, hosts: {readonly [Name in keyof Names]: LabHost}) => Promise<void>,
) => void {
	if (whyNot !== undefined) return (title, _body) => skipped(title, whyNot);
	const onHosts = onLabHosts(names, {...clusterHost, alone: true, patienceMs: 1_200_000});
	return (title, body) =>
		onHosts(title, async (t, hosts) => {
			const why = whyNoKubernetes();
			if (why === undefined) await body(t, hosts);
			else {
				t.log(`skipped: ${why}`);
				t.pass();
			}
		});
}

function skipped(title: string, why: string): void {
	test(title, t => {
		t.log(`skipped: ${why}`);
		t.pass();
	});
}

/**
 * Why a story is told on request only: each host of User-Mode Linux keeps a processor busy, and four that share two make it last for a quarter of an hour,
 * and CI with them.
 */
export function whyNotAsked(what: string): string | undefined {
	return process.env.LAB_STORIES === 'all' ? undefined : `${what} take long (LAB_STORIES=all tries them)`;
}

/** What a command printed as JSON, and how it ended. */
export async function sealimage(
	t: ExecutionContext,
	...words: readonly string[]
): Promise<Readonly<Record<string, unknown>>> {
	const argv = [...cli, ...words, '--output', 'json'];
	const {stdout} = await promisify(execFile)(process.execPath, argv, {env, maxBuffer: 64 << 20}).catch(
		(error: {readonly stdout: string; readonly stderr: string}) => {
			t.log(error.stderr.slice(-4000));
			throw new Error(`sealimage ${words[0]} failed: ${error.stdout.slice(-1000)}`);
		},
	);
	return JSON.parse(stdout) as Record<string, unknown>;
}

/** Redis behind a port of the host; kube-proxy leaves loopback out. */
export function redisOn({name, address: address4}: LabHost, address = address4): string {
	const script = `for i in $(seq 100); do
		said=$(timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/30379 && printf "PING\\r\\n" >&3 && head -c 5 <&3' 2>&-)
		[ "$said" != +PONG ] || break
		sleep 2
	done
	echo "$said"`;
	return onHost(name, 'bash -s', script, 720_000).trim();
}

/** The first words of a question to a master's own cluster. */
export const kubectl = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';

/** Names and conditions of nodes. */
export function nodesSeenBy({name}: LabHost): readonly string[] {
	const path = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
	return onHost(name, `${kubectl} get nodes -o jsonpath='${path}'`).trim().split(/\s+/).toSorted();
}

/** What is on a host of all that a cluster brings, and what runs of it. */
export function leftOn({name}: LabHost): string {
	const places =
		'/etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/cni /usr/bin/kubelet /usr/bin/containerd /var/lib/sealimage /opt/sealimage';
	return onHost(name, `ls -d ${places} 2>&-; pgrep -l "kube|etcd|containerd"; true`);
}
