import {spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {enterLab, machineOfLab} from '../lab.js';
import {table} from '../table.js';

const help = `Usage: node bench/cluster/run.js [options]          (npm run bench:cluster)

Seconds from bare hosts to a cluster whose nodes are Ready, on hosts of the lab, which needs root.
"by-hand" is by-hand.sh: kubeadm, ssh and tar, as an operator writes it down.

  --topology LIST   masters, or masters+nodes (default 1,3+1,3+3)
  --version VERSION of Kubernetes (default v1.20.2)
  --memory MIB      of each host (default 3072)
  --dir FOLDER      where the files for by-hand.sh are put (default: below the system's temporary folder)
  --json FILE       write the results as JSON
  --keep            leave the hosts of the last topology running
  --verbose         show what the tools print`;

const {values: flags} = parseArgs({
	options: {
		topology: {type: 'string', default: '1,3+1,3+3'},
		version: {type: 'string', default: 'v1.20.2'},
		memory: {type: 'string', default: '3072'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-cluster')},
		json: {type: 'string'},
		keep: {type: 'boolean', default: false},
		verbose: {type: 'boolean', default: false},
		inside: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});
const script = join(import.meta.dirname, 'by-hand.sh');

if (flags.help) console.log(help);
else if (!flags.inside) enterLab();
else await main();

async function main() {
	const {buildImages} = await import('../../.build/test/lab/kubernetes/images.js');
	const {makeFiles} = await import('./files.js');
	buildImages(flags.version);
	const files = makeFiles(flags.dir, flags.version);
	const rows = [];
	for (const text of flags.topology.split(',')) rows.push(await measureTopology(text, files));
	if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(rows, null, '\t')}\n`);
	const machine = `${machineOfLab()}; hosts share it`;
	const lines = rows.map(({topology, seconds}) => [topology, `${seconds.toFixed(0)} s`]);
	console.log(`${machine}\n\n${table(['masters+nodes', 'by hand'], lines)}`);
}

async function measureTopology(topology, files) {
	const lab = await import('../../.build/test/lab/hosts.js');
	const [masterCount, nodeCount = 0] = topology.split('+').map(Number);
	const names = (role, count) => Array.from({length: count}, (_, number) => `bench-${role}${number + 1}`);
	const masters = names('m', masterCount);
	const nodes = names('n', nodeCount);
	const hosts = await lab.bootHosts([...masters, ...nodes], {fresh: true, memoryMiB: Number(flags.memory)});
	const addresses = some => some.map(name => lab.describeHost(name).address).join(',');
	try {
		const started = performance.now();
		await run([script, files, hosts[0].keyFile, addresses(masters), addresses(nodes)]);
		const seconds = (performance.now() - started) / 1000;
		console.error(`${topology} by hand: ${seconds.toFixed(0)} s`);
		return {topology, tool: 'by-hand', seconds};
	} finally {
		if (!flags.keep) for (const name of [...masters, ...nodes]) lab.removeHost(name);
	}
}

function run([command, ...args]) {
	return new Promise((resolve, reject) => {
		const env = {...process.env, KUBERNETES_VERSION: flags.version};
		const child = spawn(command, args, {env, stdio: ['ignore', 'inherit', flags.verbose ? 'inherit' : 'pipe']});
		let messages = '';
		child.stderr?.on('data', chunk => (messages = (messages + chunk).slice(-8000)));
		child.once('error', reject);
		child.once('close', code =>
			code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}:\n${messages}`)),
		);
	});
}
