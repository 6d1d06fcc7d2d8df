import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {folderBytes, measure, median, runQuietly} from '../measure.js';
import {corpora, makeCorpora} from './corpora.js';
import {formatReport} from './report.js';
import {tools} from './tools.js';

const usage = `Usage: node bench/build/run.js [options]

Times builds of generated inputs with sealimage and with buildah, both ending in an OCI layout on disk.

  --corpus NAME     ${Object.keys(corpora).join(', ')}; may repeat (default: every one)
  --scenario NAME   cold, unchanged, changed, platforms; may repeat (default: every one)
  --tool NAME       ${Object.keys(tools).join(', ')}; may repeat (default: every one that is installed)
  --runs N          runs per measurement, of which the median counts (default 5)
  --scale X         fraction of the real input size (default 1: 2.1 GB)
  --dir FOLDER      where inputs and results are made (default: a folder below the system's temporary one)
  --driver NAME     buildah's storage driver (default overlay, its fastest)
  --json FILE       write the results as JSON
  --keep            keep the inputs for the next time`;

/** Which tools and how a scenario runs. `prepare` is done once per tool and not timed. */
const scenarios = {
	cold: {tools: ['sealimage', 'buildah'], fresh: true},
	unchanged: {tools: ['sealimage', 'buildah', 'buildah-layers'], prepare: true},
	changed: {tools: ['sealimage', 'buildah', 'buildah-layers'], prepare: true, touch: true},
	platforms: {tools: ['sealimage', 'buildah'], fresh: true, platforms: 2},
};

const {values: flags} = parseArgs({
	options: {
		corpus: {type: 'string', multiple: true, default: Object.keys(corpora)},
		scenario: {type: 'string', multiple: true, default: Object.keys(scenarios)},
		tool: {type: 'string', multiple: true, default: Object.keys(tools)},
		runs: {type: 'string', default: '5'},
		scale: {type: 'string', default: '1'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench')},
		driver: {type: 'string', default: 'overlay'},
		json: {type: 'string'},
		keep: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});

if (flags.help) console.log(usage);
else await main();

async function main() {
	const runs = Number(flags.runs);
	const inputs = join(flags.dir, 'inputs');
	mkdirSync(inputs, {recursive: true});
	const sealfile = join(flags.dir, 'Sealfile');
	writeFileSync(sealfile, 'FROM scratch\nCOPY . /\n');
	const installed = await installedTools();
	try {
		makeCorpora(inputs, Number(flags.scale));
		const rows = [];
		for (const corpus of flags.corpus) {
			const context = join(inputs, corpora[corpus].folder);
			const inputBytes = folderBytes(context, {warm: true});
			for (const name of flags.scenario) {
				for (const tool of scenarios[name].tools.filter(item => installed.has(item))) {
					const row = await runScenario({tool, scenario: scenarios[name], context, sealfile, runs});
					rows.push({corpus, corpusTitle: corpora[corpus].title, scenario: name, tool, inputBytes, ...row});
					console.error(`${corpus} ${name} ${tool}: ${row.wallSeconds.toFixed(2)} s`);
				}
			}
		}
		const results = {runs, scale: Number(flags.scale), driver: flags.driver, rows};
		if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
		console.log(formatReport(results));
	} finally {
		if (!flags.keep) rmSync(flags.dir, {recursive: true, force: true});
	}
}

async function installedTools() {
	const buildah = await runQuietly(['buildah', '--version']).then(
		() => true,
		() => false,
	);
	if (!buildah) console.error('skipped: buildah');
	return new Set(flags.tool.filter(name => name === 'sealimage' || buildah));
}

async function runScenario({tool, scenario, context, sealfile, runs}) {
	const home = join(flags.dir, 'home');
	const options = {home, context, sealfile, platforms: scenario.platforms ?? 1, driver: flags.driver};
	const {title, build, layout} = tools[tool];
	const samples = [];
	const digests = new Set();
	const clear = () => {
		rmSync(home, {recursive: true, force: true});
		mkdirSync(home, {recursive: true});
	};
	clear();
	if (scenario.prepare) await measure(build(options));
	for (let run = 0; run < runs; run++) {
		if (scenario.fresh) clear();
		if (scenario.touch) changeOneFile(context, run);
		await runQuietly(['sync']);
		samples.push(await measure(build(options)));
		digests.add(await runQuietly(['sha256sum', join(layout(home), 'index.json')]));
	}
	const resultBytes = existsSync(join(layout(home), 'blobs')) ? folderBytes(join(layout(home), 'blobs')) : 0;
	clear();
	return {
		toolTitle: title,
		wallSeconds: median(samples.map(sample => sample.wallSeconds)),
		fastestSeconds: Math.min(...samples.map(sample => sample.wallSeconds)),
		cpuSeconds: median(samples.map(sample => sample.cpuSeconds)),
		peakBytes: Math.max(...samples.map(sample => sample.peakBytes)),
		resultBytes,
		distinctResults: digests.size,
		fresh: scenario.fresh === true,
	};
}

/** Overwrites eight bytes of the first file in the context and gives it a new time. */
function changeOneFile(context, run) {
	const path = firstFile(context);
	const fd = openSync(path, 'r+');
	const bytes = Buffer.alloc(8);
	readSync(fd, bytes, 0, 8, 0);
	bytes.writeUInt32BE((bytes.readUInt32BE(0) + 1) >>> 0, 0);
	writeSync(fd, bytes, 0, 8, 0);
	closeSync(fd);
	const {mtimeMs} = statSync(path);
	utimesSync(path, mtimeMs / 1000, Math.floor(mtimeMs / 1000) + run + 1);
}

function firstFile(folder) {
	const entries = readdirSync(folder, {withFileTypes: true}).toSorted((a, b) => (a.name < b.name ? -1 : 1));
	const entry = entries[0];
	if (entry === undefined) throw new Error(`${folder} is empty`);
	return entry.isDirectory() ? firstFile(join(folder, entry.name)) : join(folder, entry.name);
}
