import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {enterLab, machineOfLab} from '../lab.js';
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
  --scenario LIST   first,again,changed,facts (default: all); what comes before one is done without being measured
  --runs N          of what is quick (again, facts); the median counts (default 3)
  --address LIST    use these hosts, as root, instead of the lab's; their /var/lib/sealimage and /root/bench are removed
  --identity FILE   the key for them
  --simulate LIST   numbers of simulated hosts (default 10,100,1000,5000); 0 for none
  --minutes N       begin nothing new after so many minutes (default 9)
  --dir FOLDER      where content is made (default: a folder below the system's temporary one)
  --json FILE       add the results to this file, and print all that are in it: parts of the table may be measured one by one
  --keep            leave the lab's hosts running`;

const {values: flags} = parseArgs({
	options: {
		hosts: {type: 'string', default: '1,4,6'},
		size: {type: 'string', default: '700'},
		tool: {type: 'string', multiple: true, default: ['sealimage', 'scp', 'rsync']},
		scenario: {type: 'string', default: 'first,again,changed,facts'},
		runs: {type: 'string', default: '3'},
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

async function main() {
	mkdirSync(flags.dir, {recursive: true});
	const results = readResults();
	try {
		if (counts.length > 0) for (const row of await measureReal()) merge(results.real, row);
		const simulated = await simulateAll(numbers(flags.simulate));
		if (simulated.length > 0) results.simulated = simulated;
		if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
		const machine = `${machineOfLab()}; hosts share it`;
		console.log([machine, formatReal(results), formatSimulated(results.simulated)].filter(Boolean).join('\n\n'));
	} finally {
		rmSync(flags.dir, {recursive: true, force: true});
	}
}

/** What earlier runs wrote, if they were about the same size. */
function readResults() {
	const none = {sizeMB: Number(flags.size), real: [], simulated: []};
	if (flags.json === undefined || !existsSync(flags.json)) return none;
	const found = JSON.parse(readFileSync(flags.json, 'utf8'));
	return found.sizeMB === none.sizeMB ? found : none;
}

function merge(rows, row) {
	const before = rows.find(({hosts, tool}) => hosts === row.hosts && tool === row.tool);
	if (before === undefined) rows.push(row);
	else Object.assign(before, row);
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
	const wanted = flags.scenario.split(',');
	const last = Math.max(...['first', 'again', 'changed'].map((name, at) => (wanted.includes(name) ? at : -1)));
	const seconds = {};
	const time = async (name, work) => {
		const started = performance.now();
		await work();
		const took = (performance.now() - started) / 1000;
		console.error(`${tool} to ${addresses.length}, ${name}: ${took.toFixed(1)} s`);
		return took;
	};
	const bring = name => time(name, () => tools.bring(tool, content, addresses));
	if (wanted.includes('facts') && tool === 'sealimage')
		seconds.facts = await median(() => time('facts', () => tools.facts(addresses)));
	if (last < 0) return {tool, ...seconds};
	tools.clear(addresses);
	const first = await bring('first');
	if (wanted.includes('first')) seconds.first = first;
	// scp sends everything each time: once is enough.
	if (wanted.includes('again'))
		seconds.again = await median(() => bring('again'), tool === 'scp' ? 1 : Number(flags.runs));
	if (wanted.includes('changed')) {
		changeComponent(content);
		if (tool === 'sealimage') tools.build(content);
		seconds.changed = await bring('changed');
	}
	tools.clear(addresses);
	return {tool, ...seconds};
}

async function median(measure, runs = Number(flags.runs)) {
	const all = [];
	for (let run = 0; run < runs; run++) all.push(await measure());
	return all.sort((a, b) => a - b)[all.length >> 1];
}
