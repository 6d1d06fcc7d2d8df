import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';

export const toolNames = ['sealimage', 'by-hand', 'in-turn'];

/** Three members of etcd share the processors of one machine: a heartbeat of a tenth of a second would be late too often. By-hand.sh has the same. */
const etcd = `apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
etcd:
  local:
    extraArgs: {heartbeat-interval: '500', election-timeout: '5000'}
`;
/** Hosts of this size are no good for work; kernels of User-Mode Linux balance services with IPVS alone. */
const labFlags = [
	...['--proxy-mode', 'ipvs'],
	...['--ignore', 'cpus-few,memory-small,disk-small,cgroup-controller-missing,module-absent'],
];

/**
 * The ways from bare hosts to nodes that are Ready, by name; each gives what `timed` gives.
 * @param place `files` of makeFiles, `store`, `keyFile`, `version`
 */
export function openTools({files, store, keyFile, version}, options) {
	const work = mkdtempSync(join(tmpdir(), 'sealimage-bench-run-'));
	const etcdFile = join(work, 'etcd.yaml');
	writeFileSync(etcdFile, etcd);
	const ours = ({masters, nodes}) => [
		...[process.execPath, 'dist/bin/sealimage.js', 'run', '--root', store, `kubernetes:${version}`, 'cni:v1'],
		...['--masters', masters.join(','), ...(nodes.length === 0 ? [] : ['--nodes', nodes.join(',')])],
		...['--config-file', etcdFile, ...labFlags, '--yes'],
		...['--user', 'root', '--identity', keyFile, '--no-agent', '--ssh-config', 'none'],
		...['--known-hosts', join(work, 'known_hosts')],
	];
	const env = {...process.env, SEALIMAGE_CLUSTERS: join(work, 'clusters'), KUBERNETES_VERSION: version};
	const byHand = ({masters, nodes}) => [
		join(import.meta.dirname, 'by-hand.sh'),
		...[files, keyFile, masters.join(','), nodes.join(',')],
	];
	return {
		sealimage: hosts => timed(ours(hosts), {...options, env}),
		'by-hand': hosts => timed(byHand(hosts), {...options, env}),
		/** The same script, one host after the other. */
		'in-turn': hosts => timed(byHand(hosts), {...options, env: {...env, IN_TURN: 'yes'}}),
		/** The same command on a cluster that is there. */
		async again(hosts) {
			const took = await timed(ours(hosts), {...options, env});
			if (!/nothing to do/.test(took.said)) throw new Error(`There was something to do:\n${took.said.slice(-4000)}`);
			return took;
		},
		close: () => rmSync(work, {recursive: true, force: true}),
	};
}

/**
 * Runs a command and tells what it cost: seconds, processor seconds of the whole machine, and when it came to the steps that it tells.
 * When `signal` is aborted, all that it started ends with it.
 */
async function timed([command, ...args], {env, signal, isVerbose}) {
	signal.throwIfAborted();
	const busy = busySeconds();
	const started = performance.now();
	const child = spawn(command, args, {env, stdio: ['ignore', 'pipe', 'pipe'], detached: true});
	const stop = () => {
		// A group that has just ended.
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch {}
	};
	signal.addEventListener('abort', stop, {once: true});
	let said = '';
	const steps = [];
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', chunk => {
			if (isVerbose) process.stderr.write(chunk);
			const whole = said.lastIndexOf('\n') + 1;
			said += chunk;
			for (const line of said.slice(whole).split('\n').slice(0, -1)) {
				const step = stepIn(line);
				if (step !== undefined) steps.push({seconds: (performance.now() - started) / 1000, step});
			}
		});
	}
	const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
	signal.removeEventListener('abort', stop);
	signal.throwIfAborted();
	if (code !== 0) throw new Error(`${command} ended with ${code}:\n${said.slice(-6000)}`);
	return {seconds: (performance.now() - started) / 1000, cpuSeconds: busySeconds() - busy, steps, said};
}

/** "+ bring content  257 MB  16s" of sealimage, " 16 s  the first master is prepared" of by-hand.sh. */
export function stepIn(line) {
	return (/^[+✔] (\S.*?)(?:: | {2}|$)/.exec(line) ?? /^ *\d+ s {2}(\S.*)$/.exec(line))?.[1];
}

/** Of all processors of this machine, since it was started. */
function busySeconds() {
	return cpus().reduce((sum, {times: {user, nice, sys, irq}}) => sum + user + nice + sys + irq, 0) / 1000;
}
