import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
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
	whyNotAsked,
} from './cluster-story.js';

/** A cluster of IPv6 alone, by a command that is interrupted in every way there is, and given again each time. */
const labTest = clusterStory(['cut-1', 'cut-2'], whyNotAsked('runs that are interrupted many times'));

const runWords = (master: LabHost, worker: LabHost): string[] => [
	...['run', ...images, '--masters', `[${master.address6}]`, '--nodes', `[${worker.address6}]`],
	...['--proxy-mode', 'ipvs', '--wait', ...loginOf(master), ...labFlags],
];

/** Begins the work, and lets `trouble` come when the shell line ends on the host. @returns the exit code, or the signal */
async function interrupted(
	t: ExecutionContext,
	words: readonly string[],
	[host, line]: readonly [LabHost, string],
	trouble: (operator: ChildProcess) => unknown,
): Promise<number | NodeJS.Signals | null> {
	const operator = spawn(process.execPath, [...cli, ...words], {env, stdio: ['ignore', 'ignore', 'pipe']});
	let said = '';
	operator.stderr?.setEncoding('utf8').on('data', text => {
		said = `${said}${text}`.slice(-2000);
	});
	const ended = once(operator, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
	onHost(host.name, line, '', 600_000);
	await trouble(operator);
	const [code, signal] = await ended;
	t.log(`ended with ${signal ?? code}: ${said.trim().split('\n').at(-1)}`);
	return signal ?? code;
}

labTest(
	'whatever interrupts a run, the same command goes on, and ends as if nothing had been',
	async (t, [master, worker]) => {
		const words = runWords(master, worker);
		const trouble = async (
			where: readonly [LabHost, string],
			what: (operator: ChildProcess) => unknown,
			expected: number | NodeJS.Signals,
		): Promise<void> => {
			t.is(await interrupted(t, words, where, what), expected, where[1]);
		};

		const powerCut = (host: LabHost) => (): void => crash(host.name);
		await trouble([worker, untilThere('/var/lib/sealimage/layers/*')], powerCut(worker), 1);
		await bootHosts([worker.name], clusterHost);

		await trouble([master, untilThere('/var/lib/sealimage/node')], () => cable(master.name, 'out'), 1);
		cable(master.name, 'in');

		await trouble([master, untilThere('/etc/kubernetes/manifests/kube-apiserver.yaml')], powerCut(master), 1);
		await bootHosts([master.name], clusterHost);

		await trouble(
			[master, 'until pgrep -x kubeadm; do sleep 0.2; done'],
			operator => operator.kill('SIGKILL'),
			'SIGKILL',
		);
		await trouble([worker, 'until pgrep -x kubeadm; do sleep 0.2; done'], operator => operator.kill('SIGINT'), 130);

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

function untilThere(path: string): string {
	return `until ls -d ${path} >/dev/null 2>&1; do sleep 0.2; done`;
}
