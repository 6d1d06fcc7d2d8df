import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {enterLab, machineOfLab} from '../lab.js';
import {folderBytes} from '../measure.js';
import {formatHosts, formatSimulated, formatSteps} from './report.js';
import {simulateAll} from './simulated.js';
import {openTools, toolNames} from './tools.js';

const help = `Usage: node bench/cluster/run.js [options]          (npm run bench:cluster)

Seconds from bare hosts to a cluster whose nodes are all Ready, on hosts of the lab, which needs root: with "sealimage run", and with by-hand.sh,
which is what an operator does with kubeadm, ssh, scp and ctr. Both bring the same programs and images, offline. Then the same command
again, with nothing to do. Each run begins with fresh hosts; the tools take turns. The table is printed after each size. At last, clusters
of hosts that are only played.

  --sizes LIST      masters, or masters+nodes (default 1,3+1,3+3); 0 for none
  --tool NAME       sealimage, by-hand, in-turn (by-hand, one host after the other); may repeat (default: all)
  --runs N          of each tool; the median counts (default 1)
  --again N         of the command that has nothing to do (default 3)
  --version VERSION of Kubernetes (default v1.20.2)
  --memory MIB      of each host (default 2048)
  --minutes N       for one run, before it is given up (default 25)
  --name PREFIX     of the hosts (default bench)
  --simulate LIST   numbers of simulated hosts (default 100,1000); 0 for none
  --dir FOLDER      where the files for by-hand.sh are put (default: below the system's temporary folder)
  --json FILE       add the results to this file, and print all that are in it: sizes may be measured one by one
  --keep            leave the hosts of the last run, and the files
  --verbose         show what the tools print`;

const {values: flags} = parseArgs({
	options: {
		sizes: {type: 'string', default: '1,3+1,3+3'},
		tool: {type: 'string', multiple: true, default: toolNames},
		runs: {type: 'string', default: '1'},
		again: {type: 'string', default: '3'},
		version: {type: 'string', default: 'v1.20.2'},
		memory: {type: 'string', default: '2048'},
		minutes: {type: 'string', default: '25'},
		name: {type: 'string', default: 'bench'},
		simulate: {type: 'string', default: '100,1000'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-cluster')},
		json: {type: 'string'},
		keep: {type: 'boolean', default: false},
		verbose: {type: 'boolean', default: false},
		inside: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});

const sizes = flags.sizes.split(',').flatMap(readSize);

if (flags.help) console.log(help);
else if (sizes.length > 0 && !flags.inside) enterLab();
else await main();

async function main() {
	const results = readResults();
	if (sizes.length > 0) await measureReal(results);
	const simulated = simulateAll(flags.simulate.split(',').map(Number).filter(Boolean), `${flags.dir}-simulated`);
	if (simulated.length > 0) results.simulated = simulated;
	keep(results);
	console.log(formatSimulated(results.simulated));
}

async function measureReal(results) {
	const unknown = flags.tool.find(tool => !toolNames.includes(tool));
	if (unknown !== undefined) throw new Error(`There is no tool ${unknown}, only ${toolNames.join(' and ')}`);
	const interrupted = new AbortController();
	// What is booted and written is taken away before this ends.
	for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => interrupted.abort(new Error(`Stopped by ${name}`)));
	const {buildImages} = await import('../../.build/test/lab/kubernetes/images.js');
	const {storeDir} = await import('../../.build/test/lab/kubernetes/place.js');
	const {makeFiles} = await import('./files.js');
	try {
		console.error('making images and files');
		buildImages(flags.version);
		const files = makeFiles(flags.dir, flags.version);
		for (const folder of [files, storeDir]) folderBytes(folder, {warm: true});
		for (const [index, size] of sizes.entries()) {
			await measureSize(size, index, {files, store: storeDir, version: flags.version}, results, interrupted.signal);
			console.log(`\n${machineOfLab()}; hosts share it\n\n${formatHosts(results.real)}\n`);
		}
	} finally {
		if (!flags.keep) rmSync(flags.dir, {recursive: true, force: true});
	}
}

function readSize(text) {
	if (text === '0') return [];
	const [masters = 0, nodes = 0] = text.split('+').map(Number);
	if (!(masters >= 1 && nodes >= 0)) throw new Error(`"${text}" is no size, expected MASTERS or MASTERS+NODES`);
	return [{text, masters, nodes}];
}

/** What earlier runs wrote. */
function readResults() {
	const isThere = flags.json !== undefined && existsSync(flags.json);
	return isThere ? JSON.parse(readFileSync(flags.json, 'utf8')) : {real: [], simulated: []};
}

function keep(results) {
	if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
}

function rowOf({real: results}, size, tool) {
	const found = results.find(row => row.size === size && row.tool === tool);
	if (found !== undefined) return found;
	const row = {size, tool, runs: [], again: [], failed: 0};
	results.push(row);
	return row;
}

/** Every other size and run begins with the other tool. */
async function measureSize(size, index, place, results, interrupted) {
	for (let run = 0; run < Number(flags.runs); run++) {
		const inTurn = (index + run) % 2 === 0 ? flags.tool : flags.tool.toReversed();
		for (const tool of inTurn) {
			const row = rowOf(results, size.text, tool);
			try {
				await measureRun(size, row, place, interrupted);
				console.error(formatSteps(row));
			} catch (error) {
				interrupted.throwIfAborted();
				row.failed++;
				process.exitCode = 1;
				console.error(`${tool}, ${size.text}: failed: ${error.message}`);
			}
			keep(results);
		}
	}
}

async function measureRun({text, masters, nodes}, row, place, interrupted) {
	const lab = await import('../../.build/test/lab/hosts.js');
	const names = Array.from({length: masters + nodes}, (_, number) => `${flags.name}${number + 1}`);
	console.error(`${row.tool}, ${text}: booting ${names.length === 1 ? 'a host' : `${names.length} hosts`}`);
	const signal = AbortSignal.any([interrupted, AbortSignal.timeout(Number(flags.minutes) * 60_000)]);
	let tools;
	try {
		const hosts = await lab.bootHosts(names, {fresh: true, memoryMiB: Number(flags.memory)});
		tools = openTools({...place, keyFile: hosts[0].keyFile}, {signal, isVerbose: flags.verbose});
		const addresses = hosts.map(({address}) => address);
		const members = {masters: addresses.slice(0, masters), nodes: addresses.slice(masters)};
		// Hosts that answer have not started everything yet.
		await sleep(10_000, undefined, {signal});
		const {seconds, cpuSeconds, steps} = await tools[row.tool](members);
		row.runs.push({seconds, cpuSeconds, steps});
		if (row.tool !== 'sealimage') return;
		// What a new cluster has to do with itself is over.
		await sleep(60_000, undefined, {signal});
		for (let run = 0; run < Number(flags.again); run++) row.again.push((await tools.again(members)).seconds);
	} finally {
		tools?.close();
		if (!flags.keep) for (const name of names) lab.removeHost(name);
	}
}
