// Builds a cluster image for two architectures, with two container images inside, and proves that it is whole.
// No root, no docker, no registry, no network. Run it twice: the second time comes from the cache.
//
//   npm run demo                      (or: node examples/demo/run.js [--dir FOLDER] [--fresh])
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
	chmodSync,
	copyFileSync,
	cpSync,
	createReadStream,
	createWriteStream,
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import {join, relative} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {parseArgs} from 'node:util';
import {
	build,
	copy,
	formatBytes,
	hostPlatform,
	openArchive,
	openStore,
	parsePlatform,
	writeOciArchive,
} from 'sealimage';
import {helloProgram} from './hello-program.js';

const project = join(import.meta.dirname, '../..');
const {values: flags} = parseArgs({
	options: {
		dir: {type: 'string', default: join(project, 'node_modules/.cache/sealimage-demo')},
		fresh: {type: 'boolean', default: false},
	},
});
const work = flags.dir;
const cluster = 'registry.example.com/demo/cluster:v1';
const platforms = ['linux/amd64', 'linux/arm64'].map(parsePlatform);

await main();

async function main() {
	const started = performance.now();
	if (flags.fresh) rmSync(work, {recursive: true, force: true});
	prepareContext();

	const root = join(work, 'store');
	const store = await openStore(root);
	await buildOne(store, 'registry.example.com/demo/hello:v1', 'hello/Sealfile', join(work, 'context'));
	await buildOne(store, 'registry.example.com/demo/site:v1', 'site/Sealfile', project);
	const descriptor = await buildOne(store, cluster, 'cluster/Sealfile', join(work, 'context'));

	const archive = join(work, 'cluster.tar');
	await timed('save it as an OCI archive', async () => {
		await pipeline(writeOciArchive(store, [{descriptor, names: [cluster]}]), createWriteStream(archive));
		return {note: formatBytes(statSync(archive).size)};
	});
	await store.close();

	const second = join(work, 'second-store');
	rmSync(second, {recursive: true, force: true});
	const loaded = await timed('load it into a second store', () => load(archive, second));
	if (loaded.digest !== descriptor.digest) throw new Error(`Loaded ${loaded.digest}, built ${descriptor.digest}`);
	await timed('verify every digest there', () => verifyBlobs(second));

	for (const {architecture} of platforms) {
		console.log(`\n${cluster} for linux/${architecture}`);
		console.log(
			sealimage('tree', '--root', second, '--platform', `linux/${architecture}`, '--depth', '3', cluster).trim(),
		);
	}
	console.log(`\n${cluster}@${descriptor.digest}`);
	console.log(`Done in ${seconds(performance.now() - started)}.`);
	suggest(root);
}

/** Puts the programs beside the files of `cluster/`: what is there already is left alone, so that it stays cached. */
function prepareContext() {
	const context = join(work, 'context');
	mkdirSync(context, {recursive: true});
	cpSync(join(import.meta.dirname, 'cluster'), context, {recursive: true, preserveTimestamps: true});
	for (const {architecture} of platforms) {
		const programs = join(context, 'programs', architecture);
		const hello = join(programs, 'hello');
		if (existsSync(hello)) continue;
		mkdirSync(programs, {recursive: true});
		writeFileSync(hello, helloProgram(architecture));
		chmodSync(hello, 0o755);
		// A large real program, for the architecture that this machine has it for.
		if (architecture === hostPlatform().architecture) linkOrCopy(process.execPath, join(programs, 'node'));
	}
}

function linkOrCopy(from, to) {
	try {
		linkSync(from, to);
	} catch {
		copyFileSync(from, to);
	}
}

async function buildOne(store, name, sealfile, context) {
	return await timed(`build ${name}`, async () => {
		let cached = 0;
		let made = 0;
		const result = await build({
			context,
			file: join(import.meta.dirname, sealfile),
			store,
			tags: [name],
			platforms,
			onEvent: event => {
				if (event.type === 'step.cached') cached++;
				if (event.type === 'step.finished') made++;
				if (event.type === 'image.embedded')
					console.log(`  embed ${event.reference} for ${event.platform}, ${formatBytes(event.sizeBytes)}`);
				if (event.type === 'warning') console.log(`  warning: ${event.message}`);
			},
		});
		return {result: result.descriptor, note: `${made} steps done, ${cached} from the cache`};
	});
}

async function load(archive, root) {
	const store = await openStore(root);
	const source = await openArchive(archive, {tempDir: store.tempDir});
	try {
		const result = await copy(source, cluster, store);
		return {result, note: result.digest};
	} finally {
		await source.close();
		await store.close();
	}
}

/** Hashes every blob with nothing but Node: the name of each must be the digest of its bytes. */
async function verifyBlobs(root) {
	const folder = join(root, 'blobs/sha256');
	let sizeBytes = 0;
	const names = readdirSync(folder);
	for (const name of names) {
		const hash = createHash('sha256');
		for await (const chunk of createReadStream(join(folder, name), {highWaterMark: 1 << 20})) {
			hash.update(chunk);
			sizeBytes += chunk.length;
		}
		if (hash.digest('hex') !== name) throw new Error(`The blob ${name} is damaged`);
	}
	return {note: `${names.length} blobs, ${formatBytes(sizeBytes)}`};
}

async function timed(title, action) {
	const started = performance.now();
	const {result, note} = await action();
	console.log(`${title}: ${note} (${seconds(performance.now() - started)})`);
	return result;
}

function sealimage(...args) {
	return execFileSync(process.execPath, [join(project, 'dist/bin/sealimage.js'), ...args], {encoding: 'utf8'});
}

function seconds(elapsedMs) {
	return `${(elapsedMs / 1000).toFixed(2)} s`;
}

function suggest(root) {
	const command = `node ${relative(process.cwd(), join(project, 'dist/bin/sealimage.js'))}`;
	const store = `--root ${relative(process.cwd(), root)}`;
	console.log(`
Try next:
  npm run demo                    # again: everything comes from the cache
  ${command} images ${store}
  ${command} history ${store} ${cluster}
  ${command} tree ${store} --all ${cluster} registry
  ${command} create ${store} ${cluster} out    # unpack it to a folder`);
}
