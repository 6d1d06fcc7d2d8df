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
	isSealError,
	lintSealfile,
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
