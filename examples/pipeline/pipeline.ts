/**
 * A delivery pipeline as a program: check the Sealfile, build for two platforms, look at what came out, deliver it to
 * registries and disks. It stops at the first thing that a person should see. A TARGET is a place, as the command line takes it:
 * docker://registry.example.com/shop:v1, oci-archive:shop.tar, registry-dir:/srv/registry:shop:v1.
 *
 *   npx tsc -p examples && node .build/examples/pipeline/pipeline.js STORE CONTEXT NAME TARGET...
 */
import {readFile} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {
	type BuildResult,
	build,
	copyImage,
	formatBytes,
	formatPlace,
	formatPlatform,
	isSealError,
	openRegistry,
	openStore,
	type Place,
	parsePlace,
	parsePlatform,
	parseSealfile,
	type SealEvent,
	type Store,
} from 'sealimage';

interface Delivery {
	readonly context: string;
	readonly name: string;
	readonly targets: readonly Place[];
	readonly store: string;
}

const platforms = ['linux/amd64', 'linux/arm64'].map(parsePlatform);

const [store = '', context = '', name = '', ...targets] = process.argv.slice(2);
if (targets.length === 0) {
	console.error('Usage: pipeline.js STORE CONTEXT NAME TARGET...');
	process.exit(2);
}

// Ctrl-C aborts the build, which then leaves nothing half-written.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

try {
	const places = targets.map(text => parsePlace(text));
	await deliver({context: resolve(context), name, targets: places, store}, stop.signal);
} catch (error) {
	console.error(isSealError(error) ? JSON.stringify(error, null, 2) : error);
	process.exitCode = 1;
}

async function deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
	const {context, name, targets} = delivery;
	await check(join(context, 'Sealfile'));
	const store = await openStore(delivery.store, {signal});
	try {
		const result = await build({context, store, tags: [name], platforms, signal, onEvent: report});
		summarize(result);
		for (const target of targets) await ship(store, name, target, signal);
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

/** Only what the target lacks is moved: a new version in which one embedded image changed costs that image's layers. */
async function ship(store: Store, name: string, target: Place, signal: AbortSignal): Promise<void> {
	const registry = openRegistry({signal, onEvent: report});
	try {
		const {descriptor, tally} = await copyImage(parsePlace(name), target, {store, registry, signal, onEvent: report});
		const {sent, mounted, skipped} = tally;
		console.log(`${formatPlace(target)} is ${descriptor.digest}`);
		console.log(
			`  sent ${formatBytes(sent.bytes)}, mounted ${formatBytes(mounted.bytes)}, had ${formatBytes(skipped.bytes)}`,
		);
	} finally {
		await registry.close();
	}
}
