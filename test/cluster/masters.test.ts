import {crash, type LabHost, onHost} from '../lab/hosts.js';
import {
	clusterStory,
	images,
	kubectl,
	labFlags,
	leftOn,
	loginOf,
	nodesSeenBy,
	redisOn,
	sealimage,
	whyNotAsked,
} from './cluster-story.js';

/**
 * A highly available cluster out of four bare hosts: made by one command, cut off the power of its first master while it works, without that master, with it again,
 * and taken away. Three members of etcd that share two processors elect each other again and again.
 */
const labTest = clusterStory(['ha-1', 'ha-2', 'ha-3', 'ha-4'], whyNotAsked('three masters'));

type Masters = readonly [first: LabHost, second: LabHost, third: LabHost, worker: LabHost];

const runWords = ([first, second, third, worker]: Masters): string[] => [
	...['run', ...images, '--masters', [first, second, third].map(({address}) => address).join(',')],
	...['--nodes', worker.address, '--proxy-mode', 'ipvs', '--wait'],
	...['--config-file', 'test/lab/kubernetes/slow-machine.yaml', ...loginOf(first), ...labFlags],
];

labTest('one command makes three masters and a worker, and runs an application', async (t, hosts) => {
	const [, , third, worker] = hosts;
	t.is((await sealimage(t, ...runWords(hosts))).end, 'done');
	t.deepEqual(nodesSeenBy(third), ['ha-1=True', 'ha-2=True', 'ha-3=True', 'ha-4=True']);
	const members = `${kubectl} -n kube-system get pods -l component=etcd -o name`;
	t.is(onHost(third.name, members).trim().split('\n').length, 3);
	t.regex(onHost(worker.name, 'grep server: /etc/kubernetes/kubelet.conf'), /10\.103\.97\.2:6443/);
	t.is(redisOn(worker), '+PONG');
	t.is((await sealimage(t, ...runWords(hosts))).end, 'nothing');
});

labTest(
	'when the first of three masters loses its power the cluster serves kubelets and clients, and lets it go',
	async (t, [first, second, third, worker]) => {
		onHost(worker.name, 'cat >/root/ask.sh && systemd-run -q --unit ask bash /root/ask.sh', askAlways(worker));
		onHost(worker.name, answeredAfter('0', 20), '', 300_000);
		crash(first.name);
		const cutAt = onHost(worker.name, 'date +%s').trim();
		// The balancer has seen it, etcd has another leader, and who led the control plane has been followed.
		onHost(worker.name, answeredAfter(cutAt, 60), '', 600_000);
		const scale = `until ${kubectl} -n redis scale deployment redis --replicas=2; do sleep 2; done`;
		onHost(second.name, scale, '', 300_000);
		t.is(redisOn(worker), '+PONG');
		const lines = onHost(worker.name, 'systemctl stop ask; cat /root/ask.log').trim().split('\n');
		const failed = lines.filter(line => !line.endsWith(' 200'));
		t.log(`${failed.length} of ${lines.length} requests were not answered`);

		const words = ['delete', '--masters', first.address, ...loginOf(second), ...labFlags];
		t.is((await sealimage(t, ...words)).end, 'done');
		t.deepEqual(
			nodesSeenBy(third).map(node => node.split('=')[0]),
			['ha-2', 'ha-3', 'ha-4'],
		);
	},
);

labTest(
	'the master that was let go is a master again when it has its power back',
	async (t, [first, second, third]) => {
		t.is((await sealimage(t, 'add', '--masters', first.address, ...loginOf(second), ...labFlags)).end, 'done');
		t.deepEqual(nodesSeenBy(third), ['ha-1=True', 'ha-2=True', 'ha-3=True', 'ha-4=True']);
	},
);

labTest('a master that works leaves, and is what it was', async (t, [first, second, , worker]) => {
	t.is((await sealimage(t, 'delete', '--masters', second.address, ...loginOf(first), ...labFlags)).end, 'done');
	t.deepEqual(nodesSeenBy(first), ['ha-1=True', 'ha-3=True', 'ha-4=True']);
	t.is(leftOn(second), '');
	t.is(redisOn(worker), '+PONG');
});

labTest('the hosts are put back to what they were', async (t, [first, , third, worker]) => {
	t.is((await sealimage(t, 'reset', ...loginOf(first), ...labFlags)).end, 'done');
	for (const host of [first, third, worker]) t.is(leftOn(host), '');
});

/** A program for a worker: asks the API through the balancer as its kubelet does, again and again, and keeps the answers with their times. */
function askAlways({name}: LabHost): string {
	const pem = '/var/lib/kubelet/pki/kubelet-client-current.pem';
	const ask = `curl -s -o /dev/null -w '%{http_code}' -m 5 --cacert /etc/kubernetes/pki/ca.crt --cert ${pem} --key ${pem}`;
	return `while sleep 0.5; do
		at=$(date +%s)
		echo "$at $(${ask} https://10.103.97.2:6443/api/v1/nodes/${name})" >>/root/ask.log
	done`;
}

/** Shell that waits until so many of those questions were answered since then. */
function answeredAfter(epochSeconds: string, count: number): string {
	const answered = `awk '$1 > ${epochSeconds} && $2 == 200' /root/ask.log 2>&- | wc -l`;
	return `until [ "$(${answered})" -ge ${count} ]; do sleep 1; done`;
}
