import {spawnSync} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {cpus, tmpdir, totalmem} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {changeComponent, makeRootfs} from './content.js';
import {formatReal, formatSimulated} from './report.js';
import {simulateAll} from './simulated.js';
import {openTools} from './tools.js';

const help = `Usage: node bench/distribute/run.js [options]          (npm run bench:distribute)

Brings a rootfs-like image to hosts with sealimage, with "scp -r" to all of them at once and with rsync to all of them at once: the first
time, again with nothing to do, and with one component changed. Then simulates many hosts at 1 Gb/s under the same scheduler.
Hosts of the lab (npm run lab) are booted for it, which needs root, unless --address names others.

  --hosts LIST      how many hosts, one measurement each (default 1,4,6)
  --size MB         of the image (default 700)
  --tool NAME       sealimage, scp, rsync; may repeat (default: all)
  --address LIST    use these hosts, as root, instead of the lab's; their /var/lib/sealimage and /root/bench are removed
  --identity FILE   the key for them
  --simulate LIST   numbers of simulated hosts (default 10,100,1000,5000); 0 for none
  --minutes N       begin nothing new after so many minutes (default 9)
  --dir FOLDER      where content is made (default: a folder below the system's temporary one)
  --json FILE       write the results as JSON
  --keep            leave the lab's hosts running`;

const {values: flags} = parseArgs({
	options: {
		hosts: {type: 'string', default: '1,4,6'},
		size: {type: 'string', default: '700'},
		tool: {type: 'string', multiple: true, default: ['sealimage', 'scp', 'rsync']},
		address: {type: 'string'},
		identity: {type: 'string'},
		simulate: {type: 'string', default: '10,100,1000,5000'},
		minutes: {type: 'string', default: '9'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-distribute')},
		json: {type: 'string'},
		keep: {type: 'boolean', default: false},
		inside: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});
const startedMs = Date.now();
const numbers = text =>
	text
		.split(',')
		.map(Number)
		.filter(count => count > 0);
const counts = numbers(flags.hosts);

if (flags.help) console.log(help);
else if (flags.address === undefined && counts.length > 0 && !flags.inside) enterLab();
else await main();

/** The lab's hosts are reached from inside its network only. */
function enterLab() {
	const argv = ['.build/test/lab/lab.js', 'exec', process.execPath, ...process.argv.slice(1), '--inside'];
	process.exitCode = spawnSync(process.execPath, argv, {stdio: 'inherit'}).status ?? 1;
}

async function main() {
	mkdirSync(flags.dir, {recursive: true});
	const results = {sizeMB: Number(flags.size), real: [], simulated: []};
	try {
		if (counts.length > 0) results.real = await measureReal();
		results.simulated = await simulateAll(numbers(flags.simulate));
		if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
		const machine = `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB; hosts share it`;
		console.log([machine, formatReal(results), formatSimulated(results.simulated)].filter(Boolean).join('\n\n'));
	} finally {
		rmSync(flags.dir, {recursive: true, force: true});
	}
}

async function measureReal() {
	const lab = flags.address === undefined ? await import('../../.build/test/lab/hosts.js') : undefined;
	const names = Array.from({length: Math.max(...counts)}, (_, number) => `bench-${number + 1}`);
	const booted = lab === undefined ? [] : await lab.bootHosts(names);
	const addresses = lab === undefined ? flags.address.split(',') : booted.map(host => host.address);
	const tools = openTools(flags.dir, flags.identity ?? booted[0]?.keyFile);
	const rows = [];
	try {
		const content = makeRootfs(join(flags.dir, 'rootfs'), Number(flags.size) * 1e6);
		tools.build(content);
		const installed = flags.tool.filter(tool => tools.isInstalled(tool));
		for (const tool of flags.tool) if (!installed.includes(tool)) console.error(`skipped: ${tool} (install ${tool})`);
		console.error('installing the agent');
		const agentSeconds = installed.includes('sealimage') ? tools.installAgent(addresses) : 0;
		for (const count of counts) {
			for (const tool of installed) {
				if ((Date.now() - startedMs) / 60_000 > Number(flags.minutes)) {
					console.error(`out of time: ${tool} to ${count} hosts is left out`);
					continue;
				}
				rows.push({
					hosts: count,
					agentSeconds,
					...(await measureTool(tools, content, tool, addresses.slice(0, count))),
				});
			}
		}
	} finally {
		if (lab !== undefined && !flags.keep) for (const name of names) lab.removeHost(name);
	}
	return rows;
}

async function measureTool(tools, content, tool, addresses) {
	const seconds = {};
	tools.clear(addresses);
	for (const step of ['first', 'again', 'changed']) {
		if (step === 'changed') {
			changeComponent(content);
			if (tool === 'sealimage') tools.build(content);
		}
		const started = performance.now();
		await tools.bring(tool, content, addresses);
		seconds[step] = (performance.now() - started) / 1000;
		console.error(`${tool} to ${addresses.length}, ${step}: ${seconds[step].toFixed(1)} s`);
	}
	tools.clear(addresses);
	return {tool, ...seconds};
}
