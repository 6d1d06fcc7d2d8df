import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {
	cli,
	clusterHost,
	clusterStory,
	env,
	images,
	kubectl,
	labFlags,
	leftOn,
	loginOf,
	nodesSeenBy,
	redisOn,
	sealimage,
} from './cluster-story.js';

/**
 * A cluster of the real Kubernetes on bare hosts without a network but each other's, out of images that sealimage built: begun, killed, begun again, left alone,
 * cut off its power, grown, shrunk, and taken away.
 */
const labTest = clusterStory(['kube-1', 'kube-2']);

const runWords = (host: LabHost): string[] => [
	...['run', ...images, '--masters', host.address, '--proxy-mode', 'ipvs', '--wait'],
	...[...loginOf(host), ...labFlags],
];

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
	await bootHosts([master.name], clusterHost);
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
	t.is(leftOn(host), '');
});
