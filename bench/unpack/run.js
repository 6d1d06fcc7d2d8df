import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {makeCorpora} from '../build/corpora.js';
import {measure, median, runQuietly} from '../measure.js';
import {makeLayout} from './layout.js';

const help = `Usage: node bench/unpack/run.js [options]          (npm run bench:unpack)

Unpacks a rootfs-like image, two gzip layers (programs, small files) and one plain layer (the blobs of its registry), with
sealimage's content store, umoci and tar. Each run ends when everything is on the disk. sealimage and umoci verify digests, tar does not.

  --scale N         of the inputs; 1 is 2.1 GB (default 0.35: about 700 MB)
  --runs N          per tool, the median counts (default 3)
  --tool NAME       sealimage, umoci, tar; may repeat (default: all)
  --dir FOLDER      where inputs and results are (default: a folder below the system's temporary one)`;

const {values: flags} = parseArgs({
	options: {
		scale: {type: 'string', default: '0.35'},
		runs: {type: 'string', default: '3'},
		tool: {type: 'string', multiple: true, default: ['sealimage', 'umoci', 'tar']},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-unpack')},
		help: {type: 'boolean', default: false},
	},
});

/** What unpacks the layout into the folder `target`, and what has to be there before. */
const tools = {
	sealimage: {
		title: 'sealimage, verified',
		command: (layout, target) => [process.execPath, join(import.meta.dirname, 'unpack.js'), layout.root, target],
		prepare: (layout, target) => [
			process.execPath,
			join(import.meta.dirname, 'unpack.js'),
			layout.root,
			target,
			'send',
		],
	},
	umoci: {
		title: 'umoci raw unpack, verified',
		command: (layout, target) =>
			sh('umoci raw unpack --image "$1:bench" "$2" && sync -f "$3"', layout.root, target, flags.dir),
		isThere: () => existsSync('/usr/bin/umoci'),
	},
	tar: {
		title: 'tar -x, not verified',
		command: (layout, target) =>
			sh(
				'mkdir "$1"; target=$1; shift; for f; do tar -xpf "$f" -C "$target"; done; sync -f "$target"',
				target,
				...layout.layers,
			),
	},
};

function sh(script, ...args) {
	return ['sh', '-ec', script, 'sh', ...args];
}

if (flags.help) console.log(help);
else await main();

async function main() {
	mkdirSync(flags.dir, {recursive: true});
	try {
		makeCorpora(join(flags.dir, 'inputs'), Number(flags.scale));
		const layout = await makeLayout(join(flags.dir, 'inputs/all'), join(flags.dir, 'layout'));
		const rows = [];
		for (const name of flags.tool) {
			const tool = tools[name];
			if (tool.isThere?.() === false) console.error(`${name} is not installed and left out`);
			else rows.push(await measureTool(tool, layout));
		}
		console.log(format(rows, layout));
	} finally {
		rmSync(flags.dir, {recursive: true, force: true});
	}
}

async function measureTool(tool, layout) {
	const runs = [];
	for (let run = 0; run < Number(flags.runs); run++) {
		const target = join(flags.dir, 'target');
		if (tool.prepare !== undefined) await runQuietly(tool.prepare(layout, target));
		await runQuietly(['sync', '-f', flags.dir]);
		runs.push(await measure([tool.command(layout, target)]));
		rmSync(target, {recursive: true, force: true});
	}
	const middle = key => median(runs.map(run => run[key]));
	return {
		title: tool.title,
		wallSeconds: middle('wallSeconds'),
		cpuSeconds: middle('cpuSeconds'),
		peakBytes: middle('peakBytes'),
	};
}

function format(rows, {plainBytes}) {
	const lines = rows.map(({title, wallSeconds, cpuSeconds, peakBytes}) => {
		const speed = Math.round(plainBytes / 1e6 / wallSeconds);
		return `| ${title} | ${wallSeconds.toFixed(2)} | ${speed} | ${cpuSeconds.toFixed(1)} | ${Math.round(peakBytes / 1e6)} |`;
	});
	return [
		`${(plainBytes / 1e6).toFixed(0)} MB of files; ${cpus().length} x ${cpus()[0].model}, Node ${process.versions.node}; median of ${flags.runs} runs.`,
		'',
		'| tool | seconds | MB/s | CPU s | peak MB |',
		'|---|---:|---:|---:|---:|',
		...lines,
	].join('\n');
}
