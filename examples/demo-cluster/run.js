// The whole story of a cluster on this machine: hosts that boot here, images built, three masters and a worker out of them, an application
// that answers, a power cut of one master, and all gone again. Everything comes from what the images carry.
//
//   npm run demo:cluster              (or: node examples/demo-cluster/run.js [--keep])
//
// Needs root, x86-64 and Debian 12 or newer with the tools of .ci/install: the hosts are User-Mode Linux, with kernel, disk and
// systemd of their own. The first time Kubernetes is compiled, which takes a while.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';

const project = join(import.meta.dirname, '../..');
const {values: flags} = parseArgs({options: {keep: {type: 'boolean', default: false}}});
const lab = join(project, '.build/test/lab/lab.js');
const names = ['demo1', 'demo2', 'demo3', 'demo4'];
const images = ['kubernetes:v1.20.2', 'cni:v1', 'redis:v7'];
const work = mkdtempSync(join(tmpdir(), 'sealimage-demo-'));
/** Hosts of this size are no good for work, their members of etcd share processors, and kernels of User-Mode Linux balance services with IPVS alone. */
const small = [
	...['--config-file', join(project, 'test/lab/kubernetes/slow-machine.yaml'), '--proxy-mode', 'ipvs'],
	...['--ignore', 'cpus-few,memory-small,disk-small,cgroup-controller-missing,module-absent'],
];
const started = performance.now();

try {
	await main();
} finally {
	if (!flags.keep) quiet(lab, 'rm', ...names);
	rmSync(work, {recursive: true, force: true});
}

async function main() {
	title('Images: Kubernetes from source, containers and cluster images built by sealimage');
	const store = /--root (\S+):/.exec(output(lab, 'kubernetes'))?.[1] ?? '';
	sealimage('images', '--root', store);

	title('Four bare hosts');
	quiet(lab, 'rm', ...names);
	const hosts = output(lab, 'up', ...names)
		.trim()
		.split('\n')
		.map(line => line.split(' '));
	const [addresses, key] = [hosts.map(([, address]) => address), hosts[0]?.[3] ?? ''];
	console.log(addresses.join('\n'));
	const [m1 = '', m2 = '', m3 = '', n1 = ''] = addresses;
	const login = [
		...['--user', 'root', '--identity', key, '--ssh-config', 'none'],
		...['--known-hosts', join(work, 'known_hosts')],
	];

	title('One command: three masters, a worker, a network, an application');
	sealimage(
		...['run', '--root', store, ...images, '--masters', `${m1},${m2},${m3}`, '--nodes', n1, ...small],
		...[...login, '--wait', '--yes'],
	);
	await showStatus(login);
	ask(n1, key);

	title('A power cut of the first master');
	quiet(lab, 'crash', 'demo1');
	await sleep(10_000);
	ask(n1, key);

	title('It comes back');
	quiet(lab, 'up', 'demo1');
	await showStatus(login);

	title('All gone again');
	sealimage('reset', '--root', store, ...login, '--yes');
	console.log(`\nDone in ${Math.round((performance.now() - started) / 1000)} s.`);
}

/** API servers that share two processors take their time after so much has begun at once. */
async function showStatus(login) {
	for (let look = 0; look < 40 && !isWell('status', ...login); look++) await sleep(5000);
	sealimage('status', ...login);
}

/** Redis behind a port of the worker. */
function ask(address, key) {
	const script = `exec 3<>/dev/tcp/${address}/30379 && printf "PING\\r\\n" >&3 && head -c 5 <&3`;
	const line = ['--hosts', address, '--user', 'root', '--identity', key, '--ssh-config', 'none'];
	sealimage('exec', ...line, '--known-hosts', join(work, 'known_hosts'), '--', 'bash', '-c', script);
}

function title(text) {
	console.log(`\n== ${text} (${Math.round((performance.now() - started) / 1000)} s)`);
}

/** Hosts are reached from within their network. */
function sealimage(...args) {
	console.log(`$ sealimage ${args.join(' ')}`);
	run('inherit', lab, 'exec', process.execPath, join(project, 'dist/bin/sealimage.js'), ...args);
}

function isWell(...args) {
	try {
		quiet(lab, 'exec', process.execPath, join(project, 'dist/bin/sealimage.js'), ...args);
		return true;
	} catch {
		return false;
	}
}

function quiet(...args) {
	run('ignore', ...args);
}

function output(...args) {
	return run(['ignore', 'pipe', 'inherit'], ...args);
}

function run(stdio, ...args) {
	const env = {...process.env, LAB_MEMORY_MIB: '2048', SEALIMAGE_CLUSTERS: join(work, 'clusters')};
	const {status, stdout} = spawnSync(process.execPath, args, {cwd: project, stdio, env, encoding: 'utf8'});
	if (status !== 0) throw new Error(`${args.slice(1, 3).join(' ')} ended with ${status}`);
	return stdout ?? '';
}
