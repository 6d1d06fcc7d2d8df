import {spawnSync} from 'node:child_process';
import {
	appendFileSync,
	chmodSync,
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import type {SealEvent} from '../../../lib/core/events.js';
import {type BuildOptions, build, openStore, parsePlatform, type Store} from '../../../lib/index.js';
import {type ContextEntry, makeContext} from '../../helpers/context.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** The files of a test were made just now; a clock that is ahead makes them old enough to be trusted. */
const later = (): number => Date.now() + 10_000;

const entries: Readonly<Record<string, ContextEntry>> = {
	Sealfile: 'FROM scratch\nARG dest=/\nCOPY . $dest\n',
	'.dockerignore': 'secret\nignored/*\n!ignored/kept\n',
	'a/b/one': '1',
	'a/b/two': '2',
	'a/c/three': '3',
	'ignored/kept': 'k',
	'ignored/lost': 'l',
	link: {symlink: 'a'},
	secret: 's',
};

interface Place {
	readonly store: Store;
	readonly context: string;
}

test('an unchanged context is not looked through again, and gives the same image', async t => {
	const place = await prepare(t);
	const first = await digestOf(place);
	const {digest, isQuick} = await quickly(place);
	t.is(digest, first);
	t.true(isQuick);
});

const inside = (path: string) => (context: string) => join(context, path);
const one = inside('a/b/one');
const two = inside('a/b/two');

changes('new content of the same size, with the old time put back', context => {
	const {atime, mtime} = lstatSync(one(context));
	writeFileSync(one(context), 'X');
	utimesSync(one(context), atime, mtime);
});
changes('a file renamed over another of the same size and time', context => {
	const {atime, mtime} = lstatSync(one(context));
	const other = inside('secret')(context);
	writeFileSync(other, 'Y');
	utimesSync(other, atime, mtime);
	renameSync(other, one(context));
});
changes('two files that changed places, and the old times of their folder', context =>
	keepingTimes(join(context, 'a/b'), () => {
		renameSync(one(context), `${one(context)}.tmp`);
		renameSync(two(context), one(context));
		renameSync(`${one(context)}.tmp`, two(context));
	}),
);
changes('a file deep inside that grew', context => appendFileSync(join(context, 'a/c/three'), 'more'));
changes('a new file, with the old times of its folder put back', context =>
	keepingTimes(join(context, 'a/b'), () => writeFileSync(join(context, 'a/b/new'), '')),
);
changes('a removed file, with the old times of its folder put back', context =>
	keepingTimes(join(context, 'a/b'), () => rmSync(one(context))),
);
changes('another mode', context => chmodSync(one(context), 0o755));
changes('another mode of a folder', context => chmodSync(join(context, 'a/c'), 0o700));
changes('a link that leads elsewhere', context => {
	rmSync(join(context, 'link'));
	symlinkSync('b', join(context, 'link'));
});
changes('a folder that gave way to a link to its like', context => {
	renameSync(join(context, 'a/b'), join(context, 'a/d'));
	symlinkSync('d', join(context, 'a/b'));
});
changes('an empty folder', context => mkdirSync(join(context, 'a/c/empty')));
changes('a file whose second name is in the context', context => {
	rmSync(two(context));
	linkSync(one(context), two(context));
});
changes('another file that ignore rules bring back', context => {
	rmSync(join(context, 'ignored/kept'));
});
changes('other ignore rules', context => writeFileSync(join(context, '.dockerignore'), 'a/b\n'));
changes('ignore rules in place of none that were there before', context =>
	writeFileSync(join(context, '.containerignore'), 'link\n'),
);
changes('another Sealfile', context =>
	writeFileSync(join(context, 'Sealfile'), 'FROM scratch\nCOPY --chmod=600 . /\n'),
);
changes('an extended attribute', context => {
	spawnSync('setfattr', ['-n', 'user.note', '-v', 'x', one(context)]);
});

function changes(title: string, change: (context: string) => void): void {
	test(`seen by the next build: ${title}`, async t => {
		const place = await prepare(t);
		await digestOf(place);
		await sleep(20);
		change(place.context);
		const {digest} = await quickly(place);
		t.is(digest, await freshDigest(t, place.context));
		t.true((await quickly(place)).isQuick);
	});
}

test('flags that decide the layer or what is in it are part of what is remembered', async t => {
	const place = await prepare(t);
	const ignoreFile = join(tempDir(t), 'ignore');
	writeFileSync(ignoreFile, 'a/c\n');
	const variants: readonly Partial<BuildOptions>[] = [
		{},
		{buildArgs: {dest: '/elsewhere/'}},
		{timestamp: 1_000_000_000},
		{compression: {algorithm: 'none'}},
		{format: 'docker'},
		{ignoreFile},
	];
	for (const options of variants) await digestOf(place, options);
	for (const options of variants) {
		const {digest, isQuick} = await quickly(place, options);
		t.is(digest, await freshDigest(t, place.context, options));
		t.true(isQuick);
	}
});

test('the layers below are part of what is remembered', async t => {
	const place = await prepare(t, {
		Sealfile: 'FROM scratch\nARG below\nCOPY $below/ /\nCOPY file /d/\n',
		'folder/d/x': '',
		'linked/e/x': '',
		'linked/d': {symlink: 'e'},
		file: 'f',
	});
	await digestOf(place, {buildArgs: {below: 'folder'}});
	for (const below of ['linked', 'folder', 'linked']) {
		const {digest} = await quickly(place, {buildArgs: {below}});
		t.is(digest, await freshDigest(t, place.context, {buildArgs: {below}}));
	}
});

test('local archives of ADD are remembered too', async t => {
	const place = await prepare(t, {Sealfile: 'FROM scratch\nADD pack.tar data /in/\n', data: 'd'});
	const archive = join(place.context, 'pack.tar');
	const pack = (): unknown => spawnSync('tar', ['-cf', archive, '-C', place.context, 'data']);
	pack();
	await digestOf(place);
	t.true((await quickly(place)).isQuick);
	await sleep(20);
	writeFileSync(join(place.context, 'data'), 'e');
	pack();
	t.is((await quickly(place)).digest, await freshDigest(t, place.context));
});

test('warnings are given again', async t => {
	const place = await prepare(t, {Sealfile: 'FROM scratch\nCOPY *.none /\nCOPY a /\n', a: 'a'});
	const codes = async (): Promise<readonly string[]> =>
		(await build({...optionsOf(place)})).diagnostics.map(({code}) => code);
	t.deepEqual(await codes(), ['EmptyWildcard']);
	t.deepEqual(await codes(), ['EmptyWildcard']);
});

for (const [title, aheadMs] of [
	['changed within the last clock tick', 50],
	['comes from the future, because the clock was set back', -3_600_000],
] as const) {
	test(`nothing is remembered of a context that ${title}`, async t => {
		const place = await prepare(t);
		const now = (): number => Math.max(...timesOf(place.context)) + aheadMs;
		await digestOf(place, {now});
		t.false(existsSync(join(cacheFolder(place), 'copies')));
	});
}

test('nothing is remembered of a context that changes while it is built', async t => {
	const place = await prepare(t, {Sealfile: 'FROM scratch\nCOPY a /1/\nCOPY a /2/\n', 'a/x': 'x'});
	let steps = 0;
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'step.started' && ++steps === 2) writeFileSync(join(place.context, 'a/x'), 'y');
	};
	await sleep(20);
	await digestOf(place, {onEvent});
	t.false(existsSync(join(cacheFolder(place), 'copies')));
	t.is((await quickly(place)).digest, await freshDigest(t, place.context));
});

test('a record that is damaged or cut off is as good as none', async t => {
	const place = await prepare(t);
	const digest = await digestOf(place);
	const folder = join(cacheFolder(place), 'copies');
	const file = join(folder, readdirSync(folder)[0]!);
	const whole = readFileSync(file);
	for (const sizeBytes of [0, 3, 32, 36, 100, whole.length - 1]) {
		truncateSync(file, sizeBytes);
		const next = await quickly(place);
		t.deepEqual({sizeBytes, ...next}, {sizeBytes, digest, isQuick: false});
		writeFileSync(file, whole);
	}
	for (const at of [0, 33, 40, whole.length - 3]) {
		writeFileSync(file, whole.with(at, whole[at]! ^ 1));
		t.deepEqual({at, ...(await quickly(place))}, {at, digest, isQuick: false});
	}
	t.true((await quickly(place)).isQuick);
});

test('a layer that was collected is written again', async t => {
	const place = await prepare(t);
	const digest = await digestOf(place);
	rmSync(join(place.store.root, 'blobs'), {recursive: true});
	t.is((await quickly(place)).digest, digest);
});

test('two builds at once leave a record that holds', async t => {
	const place = await prepare(t);
	const [a, b] = await Promise.all([digestOf(place), digestOf(place, {buildArgs: {dest: '/b/'}})]);
	t.not(a, b);
	await digestOf(place);
	t.is((await quickly(place)).digest, a);
	t.is((await quickly(place, {buildArgs: {dest: '/b/'}})).digest, b);
});

test('--no-cache looks at everything, and is remembered', async t => {
	const place = await prepare(t);
	const digest = await digestOf(place);
	t.deepEqual(await quickly(place, {cache: false}), {digest, isQuick: false});
	t.true((await quickly(place)).isQuick);
});

test('after any changes the image is the one that a build from nothing makes', async t => {
	// What was built before with other times is not built again for those.
	const oneTime = {timestamp: 1_000_000_000};
	const name = fc.constantFrom('a', 'a/b', 'a/b/c', 'd', 'd/e', 'ignored/kept');
	const step = fc.record({
		kind: fc.constantFrom('write', 'remove', 'move', 'folder', 'chmod', 'link', 'quietly' as const),
		at: name,
		to: name,
	});
	await fc.assert(
		fc.asyncProperty(fc.array(step, {minLength: 1, maxLength: 4}), async steps => {
			const place = await prepare(t);
			await digestOf(place, oneTime);
			for (const [index, {kind, at, to}] of steps.entries()) {
				await sleep(12);
				disturb(place.context, kind, at, to, index);
				t.is(await digestOf(place, oneTime), await freshDigest(t, place.context, oneTime));
			}
		}),
		{numRuns: 8},
	);
});

/** One change of a context; what cannot be done is not. */
function disturb(context: string, kind: string, at: string, to: string, index: number): void {
	const path = join(context, at);
	const target = join(context, to);
	try {
		mkdirSync(dirname(path), {recursive: true});
		if (kind === 'write') writeFileSync(path, `${index}`);
		else if (kind === 'remove') rmSync(path, {recursive: true, force: true});
		else if (kind === 'move') renameSync(path, target);
		else if (kind === 'folder') mkdirSync(path, {recursive: true});
		else if (kind === 'chmod') chmodSync(path, index % 2 === 0 ? 0o755 : 0o700);
		else if (kind === 'link') symlinkSync(to, path);
		else keepingTimes(path, () => writeFileSync(path, `${index}`));
	} catch {
		// A folder in the way of a file, and the like.
	}
}

async function prepare(t: ExecutionContext, files = entries): Promise<Place> {
	return {context: makeContext(tempDir(t), files), store: await openStore(tempDir(t))};
}

function optionsOf({store, context}: Place): BuildOptions {
	return {context, store, platforms: [parsePlatform('linux/amd64')], now: later};
}

async function digestOf(place: Place, options: Partial<BuildOptions> = {}): Promise<string> {
	return (await build({...optionsOf(place), ...options})).descriptor.digest;
}

async function freshDigest(t: ExecutionContext, context: string, options?: Partial<BuildOptions>): Promise<string> {
	return await digestOf({context, store: await openStore(tempDir(t))}, options);
}

/** Builds without the records of single files: a build that looks at them writes them again. */
async function quickly(
	place: Place,
	options: Partial<BuildOptions> = {},
): Promise<{readonly digest: string; readonly isQuick: boolean}> {
	const files = join(cacheFolder(place), 'stat');
	rmSync(files, {recursive: true, force: true});
	const digest = await digestOf(place, options);
	return {digest, isQuick: !existsSync(files)};
}

function cacheFolder({store}: Place): string {
	return join(store.cacheDir, readdirSync(store.cacheDir)[0]!);
}

function keepingTimes(path: string, work: () => void): void {
	const {atime, mtime} = statSync(path);
	work();
	utimesSync(path, atime, mtime);
}

function timesOf(folder: string): number[] {
	return [
		lstatSync(folder).ctimeMs,
		...readdirSync(folder, {recursive: true}).map(name => lstatSync(join(folder, String(name))).ctimeMs),
	];
}
