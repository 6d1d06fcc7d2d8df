import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {loadavg, tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {enterLab, machineOfLab} from '../lab.js';
import {measureFailover} from './failover.js';
import {measureIdle, measureLabIdle} from './idle.js';
import {measureLabPath, measureLocalPath} from './path.js';
import {isInstalled} from './programs.js';
import {formatFailover, formatIdle, formatPath} from './report.js';

const help = `Usage: node bench/lb/run.js [options]          (npm run bench:lb)

What the load balancer of a node costs and how fast it is: failover against the policy of lvscare, the data path against haproxy, and the
process while nothing happens. Hosts of the lab (npm run lab) are booted for it, and network namespaces made: root is needed.

  --part NAME       failover, path, idle; may repeat (default: all); each takes less than ten minutes on a machine with nothing else to do
  --where NAME      path and idle: lab, local; may repeat (default: both)
  --policy NAME     failover: sealimage, lvscare; may repeat (default: both)
  --runs N          failover: power cuts of each policy (default 7); planned ends are half as many
  --rounds N        path: measurements of which the median counts (default 5)
  --seconds N       idle: how long (default 60)
  --members LIST    idle: how many members (default 3,50)
  --per-second N    failover: new connections a second (default 100)
  --dir FOLDER      where programs and certificates are made (default: a folder below the system's temporary one)
  --json FILE       write the results as JSON`;

const {values: flags} = parseArgs({
	options: {
		part: {type: 'string', multiple: true, default: ['failover', 'path', 'idle']},
		where: {type: 'string', multiple: true, default: ['lab', 'local']},
		policy: {type: 'string', multiple: true, default: ['sealimage', 'lvscare']},
		runs: {type: 'string', default: '7'},
		rounds: {type: 'string', default: '5'},
		seconds: {type: 'string', default: '60'},
		members: {type: 'string', default: '3,50'},
		'per-second': {type: 'string', default: '100'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-lb')},
		json: {type: 'string'},
		inside: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});

if (flags.help) console.log(help);
else if (!flags.inside) enterLab();
else await main();

async function main() {
	const {dir} = flags;
	mkdirSync(dir, {recursive: true});
	const results = {failover: [], path: [], idle: []};
	const load = loadavg()[0].toFixed(1);
	const has = (part, where) => flags.part.includes(part) && (where === undefined || flags.where.includes(where));
	try {
		if (has('failover')) results.failover = await failover(dir);
		if (has('path') && canMeasurePath()) {
			const runs = Number(flags.rounds);
			if (has('path', 'local')) results.path.push(...(await measureLocalPath({dir, runs})));
			if (has('path', 'lab')) results.path.push(...(await measureLabPath({dir, runs})));
		}
		if (has('idle')) {
			const members = flags.members.split(',').map(Number);
			const seconds = Number(flags.seconds);
			if (has('idle', 'local')) results.idle.push(...(await measureIdle({dir, members, seconds})));
			if (has('idle', 'lab')) results.idle.push(...(await measureLabIdle({dir, members, seconds})));
		}
		if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
		const machine = `${machineOfLab()}, load at the start ${load}; hosts share it`;
		const tables = [formatFailover(results.failover), formatPath(results.path), formatIdle(results.idle)];
		console.log([machine, ...tables].filter(Boolean).join('\n\n'));
	} finally {
		rmSync(dir, {recursive: true, force: true});
	}
}

async function failover(dir) {
	const runs = Number(flags.runs);
	return await measureFailover({
		dir,
		runs,
		drains: Math.ceil(runs / 2),
		policies: flags.policy,
		perSecond: Number(flags['per-second']),
		longCount: 12,
	});
}

function canMeasurePath() {
	const missing = ['haproxy', 'ab'].filter(program => !isInstalled(program));
	if (missing.length > 0) console.error(`skipped: path (apt-get install haproxy apache2-utils; ${missing} is missing)`);
	return missing.length === 0;
}
