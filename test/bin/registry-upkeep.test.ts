import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import test, {type ExecutionContext} from 'ava';
import {serveRegistry} from '../../lib/registry/server/serve.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import {makeContext} from '../helpers/context.js';
import {cliIn, cliPath} from '../helpers/run-cli.js';
import {pushImage, uploadBlob} from '../helpers/storage-content.js';

const data = (root: string, digest: string): string =>
	join(root, 'docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data');

function makeOld(folder: string): void {
	const then = new Date(Date.now() - 48 * 60 * 60_000);
	for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
		if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), then, then);
	}
}

test('a registry folder is listed, verified, mended from a registry, pruned and collected', async t => {
	const cli = cliIn(t);
	const root = join(cli.dir, 'registry');
	const storage = await openStockStorage(root, {create: true});
	const one = await pushImage(storage, 'team/app', ['v1'], ['one', 'shared']);
	makeOld(root);
	const two = await pushImage(storage, 'team/app', ['v2'], ['two', 'shared']);
	const lost = await uploadBlob(storage, 'team/app', 'lost');
	await storage.close();

	const listing = (await cli.json('registry', 'list', '--root', 'registry')) as {
		repositories: {repository: string; tags: {tag: string; digest: string}[]}[];
	};
	t.deepEqual(
		listing.repositories.map(({repository, tags}) => [repository, tags.map(({tag, digest}) => [tag, digest])]),
		[
			[
				'team/app',
				[
					['v2', two.digest],
					['v1', one.digest],
				],
			],
		],
	);
	const table = await cli.ok('registry', 'list', '--root', 'registry', 'team/app');
	t.regex(
		table,
		/^REPOSITORY +TAG +DIGEST +PUSHED +SIZE +PLATFORMS\nteam\/app +v2 +[0-9a-f]{12} +(?:now|\d+ seconds ago)/,
	);
	t.regex(table, /\n1 repository, 2 tags, [\d.]+ kB\n$/i);

	t.regex(
		await cli.ok('registry', 'verify', '--root', 'registry'),
		/^ok the registry folder .*: 1 repository, 2 manifests/,
	);
	const layer = data(root, two.blobs[1]!.digest);
	const bytes = readFileSync(layer);
	writeFileSync(layer, 'bad');
	rmSync(data(root, one.blobs[1]!.digest));
	const broken = await cli.run(['registry', 'verify', '--root', 'registry']);
	t.is(broken.exitCode, 1);
	t.regex(broken.stdout, /wrong: .* \[ERR_CONTENT_DIGEST\]\n {2}team\/app:v2\n/);
	t.regex(broken.stdout, /wrong: .* \[ERR_CONTENT_MISSING\]\n {2}team\/app:v1\n/);
	t.regex(broken.stdout, /damaged the registry folder/);
	const refused = await cli.run(['registry', 'gc', '--root', 'registry', '--dry-run']);
	t.is(refused.exitCode, 0, 'layers may be damaged: manifests say what is needed');

	const copy = await openStockStorage(join(cli.dir, 'copy'), {create: true});
	await pushImage(copy, 'team/app', ['v1'], ['one', 'shared']);
	await pushImage(copy, 'team/app', ['v2'], ['two', 'shared']);
	const server = await serveRegistry(copy, {port: 0});
	t.teardown(() => server.close());
	const from = `docker://${new URL(server.url).host}`;
	const mended = await cli.ok('registry', 'verify', '--root', 'registry', '--repair-from', from);
	t.regex(mended, /2 mended\n$/);
	t.deepEqual(readFileSync(layer), bytes);
	await cli.ok('registry', 'verify', '--root', 'registry');

	const asked = await cli.run(['registry', 'prune', '--root', 'registry', '--keep', '1']);
	t.is(asked.exitCode, 2);
	t.regex(asked.stderr, /asks before it removes images/);
	t.is((await cli.run(['registry', 'prune', '--root', 'registry'])).exitCode, 2);
	t.regex(
		await cli.ok('registry', 'prune', '--root', 'registry', '--keep', '1', '--dry-run'),
		/^would remove team\/app:v1\nwould remove 1 tag, 1 manifest that only they kept\n$/,
	);
	t.like(await cli.json('registry', 'prune', '--root', 'registry', '--keep', '1', '--force', '--older-than', '30h'), {
		removed: true,
		tags: [{repository: 'team/app', tag: 'v1', digest: one.digest}],
	});
	t.is(await cli.ok('registry', 'prune', '--root', 'registry', '--keep', '1', '--force'), 'nothing to remove\n');

	makeOld(root);
	const would = await cli.ok('registry', 'gc', '--root', 'registry', '--dry-run');
	t.regex(would, /^would remove [\d.]+ k?B in 4 blobs\n$/);
	t.true(existsSync(data(root, lost.digest)));
	t.regex(await cli.ok('registry', 'gc', '--root', 'registry'), /^removed [\d.]+ k?B in 4 blobs\n$/);
	t.false(existsSync(data(root, lost.digest)));
	t.regex(await cli.ok('registry', 'verify', '--root', 'registry'), /^ok /);
	t.is((await cli.run(['registry', 'gc', '--untagged', '--root', 'registry'])).exitCode, 2);
	t.is((await cli.run(['registry', 'gc', '--grace', '1 hour', '--root', 'registry'])).exitCode, 2);
	t.is((await cli.run(['registry', 'gc', '--root', 'no-registry'])).exitCode, 1);
});

test('building, pruning and removing beside a store that is served go on as if it were not', async t => {
	const cli = cliIn(t);
	makeContext(join(cli.dir, 'app'), {
		Sealfile: 'FROM scratch\nARG N=0\nLABEL n=$N\nCOPY file file\n',
		file: {text: 'x'.repeat(5000)},
	});
	const url = await serveStore(t, cli.dir);
	const host = new URL(url).host;
	for (let n = 0; n < 3; n++) {
		const [built] = await Promise.all([
			cli.json('build', '-t', `built:v${n}`, '--build-arg', `N=${n}`, 'app') as Promise<{digest: string}>,
			cli.ok('prune', '--force'),
		]);
		const response = await fetch(`${url}/v2/built/manifests/v${n}`, {method: 'HEAD', headers: {accept: '*/*'}});
		t.is(response.headers.get('docker-content-digest'), built.digest);
		await cli.ok('push', `built:v${n}`, `docker://${host}/pushed/copy:v${n}`);
		await cli.ok('prune', '--force');
		await cli.ok('verify', `pushed/copy:v${n}`);
	}
	const before = (await cli.json('images')) as {names: string[]}[];
	t.is(before.flatMap(({names}) => names).length, 6);
	await cli.ok('rmi', 'built:v0', 'pushed/copy:v0');
	t.is((await fetch(`${url}/v2/pushed/copy/manifests/v0`)).status, 404);
	t.regex(await cli.ok('registry', 'verify', '--store'), /^ok the store/);
	await cli.ok('rmi', '--all');
	t.deepEqual(readdirSync(join(cli.dir, 'store/blobs/sha256')), [], 'nothing is held by the server');
	t.deepEqual(await (await fetch(`${url}/v2/_catalog`)).json(), {repositories: []});
});

/** A server of the store in a process of its own. Resolves with its URL. */
async function serveStore(t: ExecutionContext, dir: string): Promise<string> {
	const child = spawn(process.execPath, [cliPath, 'serve', '--store', '--listen', '127.0.0.1:0', '--quiet'], {
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir, SEALIMAGE_ROOT: join(dir, 'store')},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	return line;
}
