import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {measure, median, runQuietly} from '../measure.js';
import {makeImage, mixedSizes} from './image.js';
import {loadsFor, quantile} from './loads.js';
import {formatLoads, formatTransfers, machine} from './report.js';
import {cli, resetPeak, servers, startServer, usage} from './servers.js';
import {emptyFolder, movers} from './transfers.js';

const help = `Usage: node bench/registry/run.js [options]

Serves the same images with docker-registry and with sealimage, and moves an image of 60 blobs and 1.5 GB with sealimage, skopeo and
crane to and from the same docker-registry.

  --part NAME     serve, move; may repeat (default: both)
  --load TEXT     only loads whose name contains this text; may repeat
  --server NAME   ${Object.keys(servers).join(', ')}; may repeat (default: every one)
  --tool NAME     ${Object.keys(movers).join(', ')}; may repeat (default: every one that is installed)
  --runs N        runs per measurement, of which the median counts (default 5)
  --scale X       fraction of the real size (default 1)
  --dir FOLDER    where images and results are made (default: a folder below the system's temporary one)
  --json FILE     write the results as JSON
  --keep          keep the images for the next time`;

const {values: flags} = parseArgs({
	options: {
		part: {type: 'string', multiple: true, default: ['serve', 'move']},
		load: {type: 'string', multiple: true, default: ['']},
		server: {type: 'string', multiple: true, default: Object.keys(servers)},
		tool: {type: 'string', multiple: true, default: Object.keys(movers)},
		runs: {type: 'string', default: '5'},
		scale: {type: 'string', default: '1'},
		dir: {type: 'string', default: join(tmpdir(), 'sealimage-bench-registry')},
		json: {type: 'string'},
		keep: {type: 'boolean', default: false},
		help: {type: 'boolean', default: false},
	},
});
const runs = Number(flags.runs);
const scale = Number(flags.scale);

if (flags.help) console.log(help);
else await main();

async function main() {
	mkdirSync(flags.dir, {recursive: true});
	const results = {runs, scale, loads: [], moves: []};
	try {
		if (flags.part.includes('serve')) results.loads = await serveAll();
		if (flags.part.includes('move')) results.moves = await moveAll();
		if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, '\t')}\n`);
		console.log(
			[machine(runs), formatLoads(results.loads), formatTransfers(results.moves)].filter(Boolean).join('\n\n'),
		);
	} finally {
		if (!flags.keep) rmSync(flags.dir, {recursive: true, force: true});
	}
}

/** Every load against every server, one server at a time and in turns, so that a slow minute of the machine hits all alike. */
async function serveAll() {
	const images = await prepareFolder();
	const missing = [];
	for (const program of ['wrk', 'ab']) if (!(await isInstalled(program))) missing.push(program);
	if (missing.length > 0) console.error(`skipped: manifests (install ${missing.join(' and ')})`);
	const rows = [];
	for (const [title, load] of Object.entries(loadsFor({...images, scale}))) {
		if (!flags.load.some(text => title.includes(text)) || (title.startsWith('manifest') && missing.length > 0))
			continue;
		const samples = Object.fromEntries(flags.server.map(name => [name, []]));
		for (let run = 0; run < runs; run++) {
			for (const name of flags.server) samples[name].push(await loadOnce(name, load, images));
		}
		for (const name of flags.server) {
			const row = {load: title, server: name, serverTitle: servers[name].title, ...summary(samples[name])};
			rows.push(row);
			console.error(
				`${title}, ${name}: ${row.bytesPerSecond ? `${(row.bytesPerSecond / 1e6).toFixed(0)} MB/s` : `${row.perSecond.toFixed(0)}/s`}`,
			);
		}
	}
	return rows;
}

async function loadOnce(name, load, images) {
	const server = await startServer(name, {...images, home: flags.dir});
	try {
		await fetch(`http://${server.host}/v2/bench/streams/manifests/${images.manifest}`).then(answer =>
			answer.arrayBuffer(),
		);
		await runQuietly(['sync']);
		resetPeak(server.pid);
		const before = usage(server.pid);
		const result = await load(server);
		const after = usage(server.pid);
		return {...result, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakBytes: after.peakBytes};
	} finally {
		await server.stop();
	}
}

function summary(samples) {
	const of = pick => median(samples.map(pick));
	const isWrk = samples[0].perSecond !== undefined;
	return {
		bytesPerSecond: isWrk ? undefined : of(one => one.bytes / one.seconds),
		perSecond: isWrk ? of(one => one.perSecond) : undefined,
		p50: of(one => (isWrk ? one.p50 : quantile(one.latencies, 0.5))),
		p99: of(one => (isWrk ? one.p99 : quantile(one.latencies, 0.99))),
		cpuPerGB: isWrk ? undefined : of(one => one.cpuSeconds / (one.bytes / 1e9)),
		peakBytes: Math.max(...samples.map(one => one.peakBytes)),
	};
}

/** One image with a blob of 1 GB and one with eight of 128 MB: in a store, and in a folder that docker-registry wrote. */
async function prepareFolder() {
	const folder = join(flags.dir, 'folder');
	const store = join(flags.dir, 'serve-store');
	const images = {folder, store, home: flags.dir};
	const sizes = {big: [Math.round(1e9 * scale)], streams: Array(8).fill(Math.round(128e6 * scale))};
	const server = await startServer('docker-registry', images);
	const found = {};
	try {
		for (const [name, list] of Object.entries(sizes)) {
			const layout = join(flags.dir, `layout-${name}`);
			makeImage(layout, name.length, list);
			await runQuietly([process.execPath, cli, '--root', store, 'copy', `oci:${layout}:v1`, `bench/${name}:v1`]);
			await runQuietly([
				'skopeo',
				'copy',
				'--quiet',
				'--dest-tls-verify=false',
				`oci:${layout}:v1`,
				`docker://${server.host}/bench/${name}:v1`,
			]);
			const answer = await fetch(`http://${server.host}/v2/bench/${name}/manifests/v1`, {
				headers: {accept: 'application/vnd.oci.image.manifest.v1+json'},
			});
			found[name] = {digest: answer.headers.get('docker-content-digest'), manifest: await answer.json()};
		}
	} finally {
		await server.stop();
	}
	return {
		...images,
		big: found.big.manifest.layers[0].digest,
		blobs: found.streams.manifest.layers.map(layer => layer.digest),
		manifest: found.streams.digest,
	};
}

/** Push and pull, cold (nothing there) and warm (all there), each tool against a docker-registry of its own. */
async function moveAll() {
	const layout = join(flags.dir, 'layout-move');
	makeImage(layout, 3, mixedSizes(60, scale));
	const rows = [];
	for (const tool of await installedTools()) {
		const store = join(flags.dir, 'move-store');
		for (const argv of movers[tool].prepare?.({layout, store}) ?? []) await runQuietly(argv);
		const samples = {'push, cold': [], 'push, warm': [], 'pull, cold': [], 'pull, warm': []};
		for (let run = 0; run < runs; run++) {
			const folder = join(flags.dir, 'move-folder');
			const target = join(flags.dir, 'move-target');
			emptyFolder(folder);
			rmSync(target, {recursive: true, force: true});
			const server = await startServer('docker-registry', {folder, home: flags.dir});
			try {
				for (const [what, list] of Object.entries(samples)) {
					await runQuietly(['sync']);
					const verb = what.slice(0, 4);
					// The same end state for all: what was pulled is on the disk.
					const after = verb === 'pull' ? [['sync']] : [];
					list.push(await measure([movers[tool][verb]({layout, store, target, host: server.host}), ...after]));
				}
			} finally {
				await server.stop();
			}
		}
		for (const [what, list] of Object.entries(samples)) {
			const seconds = median(list.map(one => one.wallSeconds));
			rows.push({
				what,
				tool,
				toolTitle: movers[tool].title,
				seconds,
				cpuSeconds: median(list.map(one => one.cpuSeconds)),
				peakBytes: Math.max(...list.map(one => one.peakBytes)),
			});
			console.error(`${what}, ${tool}: ${seconds.toFixed(2)} s`);
		}
	}
	return rows;
}

async function installedTools() {
	const found = [];
	for (const name of flags.tool) {
		const [program] = movers[name].push({layout: '', store: '', host: ''});
		if (await isInstalled(program)) found.push(name);
		else console.error(`skipped: ${name}`);
	}
	return found;
}

function isInstalled(program) {
	return runQuietly(['sh', '-c', 'command -v "$1"', 'sh', program]).then(
		() => true,
		() => false,
	);
}
