import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {whyNoKubernetes} from '../lab/kubernetes/available.js';
import {builtVersion, storeDir} from '../lab/kubernetes/place.js';
import {onLabHosts} from './lab-test.js';

/**
 * A cluster of the real Kubernetes on bare hosts without a network but each other's, out of images that sealimage built: begun, killed, begun again, left alone,
 * cut off its power, grown, shrunk, and taken away. One file, one story: each test goes on where the one before ended.
 */
const hostOptions = {memoryMiB: 2560};
const onHosts = onLabHosts(['kube-1', 'kube-2'], {...hostOptions, alone: true, patienceMs: 900_000});
const images = [`kubernetes:${builtVersion}`, 'cni:v1', 'redis:v7'];
const home = mkdtempSync(join(tmpdir(), 'sealimage-kubernetes-'));
test.after.always(() => rmSync(home, {recursive: true, force: true}));

function labTest(
	title: string,
	body: (t: ExecutionContext, hosts: readonly [LabHost, LabHost]) => Promise<void>,
): void {
	onHosts(title, async (t, hosts) => {
		const why = whyNoKubernetes();
		if (why === undefined) await body(t, hosts);
		else {
			t.log(`skipped: ${why}`);
			t.pass();
		}
	});
}

const cli = [join(process.cwd(), 'dist/bin/sealimage.js')];
const env = {...process.env, SEALIMAGE_ROOT: storeDir, SEALIMAGE_CLUSTERS: join(home, 'clusters')};
const loginOf = ({keyFile}: LabHost): string[] => [
	...['--user', 'root', '--identity', keyFile, '--no-agent'],
	...['--known-hosts', join(home, 'known_hosts'), '--ssh-config', 'none'],
];
/** Hosts of this size are no good for work, and kernels of User-Mode Linux balance services with IPVS alone. */
const labFlags = ['--ignore', 'cpus-few,memory-small,disk-small,cgroup-controller-missing,module-absent', '--yes'];
const runWords = (host: LabHost): string[] => [
	...['run', ...images, '--masters', host.address, '--proxy-mode', 'ipvs', '--wait'],
	...[...loginOf(host), ...labFlags],
];

/** What a command printed as JSON, and how it ended. */
async function sealimage(t: ExecutionContext, ...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
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
function redisOn({name, address}: LabHost): string {
	const script = `for i in $(seq 100); do
		said=$(timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/30379 && printf "PING\\r\\n" >&3 && head -c 5 <&3' 2>&-)
		[ "$said" != +PONG ] || break
		sleep 2
	done
	echo "$said"`;
	return onHost(name, 'bash -s', script, 720_000).trim();
}

const kubectl = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';

/** Names and conditions of nodes. */
function nodesSeenBy({name}: LabHost): readonly string[] {
	const path = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
	return onHost(name, `${kubectl} get nodes -o jsonpath='${path}'`).trim().split(/\s+/).toSorted();
}

labTest(
	'an operator who is killed while the cluster begins leaves nothing that the same command cannot go on with',
	async (t, [host]) => {
		const operator = spawn(process.execPath, [...cli, ...runWords(host)], {env, stdio: 'ignore'});
		const ended = once(operator, 'close');
		// kubeadm has written half of what it writes.
		onHost(host.name, 'until [ -e /etc/kubernetes/manifests/kube-scheduler.yaml ]; do sleep 1; done', '', 600_000);
		operator.kill('SIGKILL');
		await ended;
		t.is(operator.signalCode, 'SIGKILL');

		const done = await sealimage(t, ...runWords(host));
		t.is(done.end, 'done');
		t.deepEqual(nodesSeenBy(host), ['kube-1=True']);
		t.is(redisOn(host), '+PONG');
	},
);

labTest('the same command again has nothing to do', async (t, [host]) => {
	t.is((await sealimage(t, ...runWords(host))).end, 'nothing');
});

labTest('every certificate is good for 99 years', async (t, [host]) => {
	const checked = await sealimage(t, 'certs', 'check', '--masters', host.address, ...loginOf(host));
	const certificates = checked.certificates as readonly {readonly item: string; readonly notAfter: string}[];
	t.true(certificates.length > 12, JSON.stringify(checked).slice(0, 2000));
	const limit = new Date();
	limit.setUTCFullYear(limit.getUTCFullYear() + 99);
	t.deepEqual(
		certificates.filter(({notAfter}) => new Date(notAfter) < limit).map(({item}) => item),
		[],
	);
});

labTest(
	'a worker joins through the balancer of its own host, and runs what it has from the cluster alone',
	async (t, [master, worker]) => {
		t.is((await sealimage(t, 'add', '--nodes', worker.address, ...loginOf(master), ...labFlags)).end, 'done');
		t.deepEqual(nodesSeenBy(master), ['kube-1=True', 'kube-2=True']);
		t.regex(onHost(worker.name, 'grep server: /etc/kubernetes/kubelet.conf'), /10\.103\.97\.2:6443/);
		t.is(redisOn(worker), '+PONG');
	},
);

labTest('after a power cut of the master everything comes back by itself', async (t, [master, worker]) => {
	crash(master.name);
	await bootHosts([master.name], hostOptions);
	onHost(master.name, `until ${kubectl} get --raw /readyz >&- 2>&-; do sleep 2; done`, '', 600_000);
	t.is(redisOn(master), '+PONG');
	t.is(redisOn(worker), '+PONG');
	onHost(master.name, `${kubectl} wait --for=condition=Ready nodes --all --timeout=400s`, '', 430_000);
	t.is((await sealimage(t, ...runWords(master))).end, 'nothing');
});

labTest('the worker leaves, without its power', async (t, [master, worker]) => {
	crash(worker.name);
	t.is((await sealimage(t, 'delete', '--nodes', worker.address, ...loginOf(master), ...labFlags)).end, 'done');
	t.deepEqual(nodesSeenBy(master), ['kube-1=True']);
});

labTest('the host is put back to what it was', async (t, [host]) => {
	t.is((await sealimage(t, 'reset', ...loginOf(host), ...labFlags)).end, 'done');
	const left = onHost(
		host.name,
		'ls -d /etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/cni /usr/bin/kubelet /usr/bin/containerd /var/lib/sealimage /opt/sealimage 2>&- || true',
	);
	t.is(left, '');
	t.is(onHost(host.name, 'pgrep -l "kube|etcd|containerd" || true'), '');
});
