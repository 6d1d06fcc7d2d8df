/**
 * A delivery pipeline as a program: check the Sealfile, build for two platforms, look at what came out, write an archive.
 * It stops at the first thing that a person should see.
 *
 *   npx tsc -p examples && node .build/examples/pipeline/pipeline.js CONTEXT NAME ARCHIVE [STORE]
 */
import {createWriteStream} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {
	type BuildResult,
	build,
	formatBytes,
	formatPlatform,
	isSealError,
	openStore,
	parsePlatform,
	parseSealfile,
	type SealEvent,
	type Store,
	writeOciArchive,
} from 'sealimage';

interface Delivery {
	readonly context: string;
	readonly name: string;
	readonly archive: string;
	readonly store: string;
}

const platforms = ['linux/amd64', 'linux/arm64'].map(parsePlatform);

const [context = '', name = '', archive = '', store = '.sealimage'] = process.argv.slice(2);
if (archive === '') {
	console.error('Usage: pipeline.js CONTEXT NAME ARCHIVE [STORE]');
	process.exit(2);
}

// Ctrl-C aborts the build, which then leaves nothing half-written.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

try {
	await deliver({context: resolve(context), name, archive, store}, stop.signal);
} catch (error) {
	console.error(isSealError(error) ? JSON.stringify(error, null, 2) : error);
	process.exitCode = 1;
}

async function deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
	const {context, name, archive} = delivery;
	await check(join(context, 'Sealfile'));
	const store = await openStore(delivery.store, {signal});
	try {
		const result = await build({context, store, tags: [name], platforms, signal, onEvent: report});
		summarize(result);
		await save(store, result, archive, signal);
	} finally {
		await store.close();
	}
}

/** Warnings stop a delivery too: what the parser and the linter say is for people to read now, not after the release. */
async function check(file: string): Promise<void> {
	const tree = parseSealfile(await readFile(file), {file});
	for (const {severity, message, range} of tree.diagnostics) {
		console.error(`${file}:${range.startLine}:${range.startColumn}: ${severity}: ${message}`);
	}
	if (tree.diagnostics.length > 0) throw new Error(`${file} needs a hand`);
}

function report(event: SealEvent): void {
	if (event.type === 'step.finished')
		console.log(`${event.platform ?? ''} ${event.title} (${Math.round(event.elapsedMs)} ms)`);
	if (event.type === 'step.cached') console.log(`${event.platform ?? ''} ${event.title} (cached)`);
	if (event.type === 'warning') console.warn(`warning: ${event.message}`);
}

function summarize({descriptor, platforms}: BuildResult): void {
	console.log(`\n${descriptor.digest}`);
	for (const {platform, layers, images} of platforms) {
		const sizeBytes = layers.reduce((sum, layer) => sum + layer.descriptor.size, 0);
		console.log(`  ${formatPlatform(platform)}: ${layers.length} layers, ${formatBytes(sizeBytes)}`);
		for (const image of images) console.log(`    embeds ${image.reference}`);
	}
}

async function save(store: Store, {descriptor, tags}: BuildResult, path: string, signal: AbortSignal): Promise<void> {
	await pipeline(writeOciArchive(store, [{descriptor, names: tags}], {signal}), createWriteStream(path), {signal});
	console.log(`Saved to ${path}`);
}
