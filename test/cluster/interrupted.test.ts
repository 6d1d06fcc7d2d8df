import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {bootHosts, cable, crash, type LabHost, onHost} from '../lab/hosts.js';
import {
	cli,
	clusterHost,
	clusterStory,
	env,
	images,
	labFlags,
	leftOn,
	loginOf,
	nodesSeenBy,
	redisOn,
	sealimage,
} from './cluster-story.js';

/** A cluster of IPv6 alone, by a command that is interrupted in every way there is, and given again each time. */
const labTest = clusterStory(['cut-1', 'cut-2']);

const runWords = (master: LabHost, worker: LabHost): string[] => [
	...['run', ...images, '--masters', `[${master.address6}]`, '--nodes', `[${worker.address6}]`],
	...['--proxy-mode', 'ipvs', '--wait', ...loginOf(master), ...labFlags],
];

interface Trouble {
	readonly title: string;
	/** It comes when this shell line succeeds on this host. */
	readonly when: readonly [LabHost, string];
	readonly what: (operator: ChildProcess) => unknown;
	/** How the command ends: the exit code, or the signal. */
	readonly end: number | NodeJS.Signals;
	readonly after?: () => unknown;
}

/** On the way to a cluster, in the order in which they come: the first is over before what the next waits for is there. */
function troubles(master: LabHost, worker: LabHost): readonly Trouble[] {
	const cut = ({name}: LabHost): Pick<Trouble, 'what' | 'after'> => ({
		what: () => crash(name),
		after: () => bootHosts([name], clusterHost),
	});
	return [
		{
			title: 'the master loses its power while content comes',
			when: [master, there('/var/lib/sealimage/layers/*')],
			...cut(master),
			end: 1,
		},
		{
			title: 'the network of the master goes while it is prepared',
			when: [master, there('/var/lib/sealimage/node')],
			what: () => cable(master.name, 'out'),
			after: () => cable(master.name, 'in'),
			end: 1,
		},
		{
			title: 'Ctrl-C when the certificates are there',
			when: [master, there('/etc/kubernetes/pki/apiserver.crt')],
			what: operator => operator.kill('SIGINT'),
			end: 130,
		},
		{
			title: 'the master loses its power while kubeadm begins the cluster',
			when: [master, there('/etc/kubernetes/manifests/kube-apiserver.yaml')],
			...cut(master),
			end: 1,
		},
		{
			title: 'the operator is killed while kubeadm begins the cluster',
			when: [master, 'pgrep -x kubeadm'],
			what: operator => operator.kill('SIGKILL'),
			end: 'SIGKILL',
		},
		{
			title: 'the worker loses its power while it joins',
			when: [worker, 'pgrep -x kubeadm'],
			...cut(worker),
			end: 1,
		},
	];
}

/** Gives the command, and lets the trouble come when it is time. */
async function interrupt(t: ExecutionContext, words: readonly string[], trouble: Trouble): Promise<void> {
	const operator = spawn(process.execPath, [...cli, ...words], {env, stdio: ['ignore', 'ignore', 'pipe']});
	let said = '';
	operator.stderr?.setEncoding('utf8').on('data', text => {
		said = `${said}${text}`.slice(-4000);
	});
	const ended = once(operator, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
	const [host, line] = trouble.when;
	while (onHost(host.name, `${line} >/dev/null 2>&1; echo $?`).trim() !== '0') {
		await sleep(100);
		if (operator.exitCode !== null) throw new Error(`It ended before ${trouble.title}:\n${said}`);
	}
	await trouble.what(operator);
	const [code, signal] = await ended;
	t.log(`${trouble.title}: ${said.trim().split('\n').at(-1)}`);
	t.is(signal ?? code, trouble.end, `${trouble.title}:\n${said}`);
	await trouble.after?.();
}

labTest(
	'whatever interrupts a run, the same command goes on, and ends as if nothing had been',
	async (t, [master, worker]) => {
		const words = runWords(master, worker);
		for (const trouble of troubles(master, worker)) await interrupt(t, words, trouble);
		t.is((await sealimage(t, ...words)).end, 'done');
		t.deepEqual(nodesSeenBy(master), ['cut-1=True', 'cut-2=True']);
		t.is(redisOn(worker, worker.address6), '+PONG');
		t.is((await sealimage(t, ...words)).end, 'nothing');
	},
);

labTest('the hosts are put back to what they were', async (t, [master, worker]) => {
	t.is((await sealimage(t, 'reset', ...loginOf(master), ...labFlags)).end, 'done');
	for (const host of [master, worker]) t.is(leftOn(host), '');
});

function there(path: string): string {
	return `ls -d ${path}`;
}
