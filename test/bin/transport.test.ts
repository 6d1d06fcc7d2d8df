import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {openStore} from '../../lib/oci/store/store.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import {putMultiArch} from '../helpers/images.js';
import {sendError, startRegistry} from '../helpers/registry.js';
import {startServer} from '../helpers/registry-server.js';
import {type Cli, cliIn} from '../helpers/run-cli.js';
import {tempDir} from '../helpers/temp-dir.js';

interface Setup {
	readonly cli: Cli;
	/** Of a registry server of ours: `127.0.0.1:port`. */
	readonly host: string;
	/** Of the index `shop:v1` in the store. */
	readonly digest: string;
}

async function setUp(t: ExecutionContext): Promise<Setup> {
	const cli = cliIn(t);
	const storage = await openStockStorage(join(tempDir(t), 'served'), {create: true, durability: 'none'});
	const {port} = await startServer(t, storage);
	const store = await openStore(join(cli.dir, 'store'));
	const {digest} = await putMultiArch(store);
	await store.tag('shop:v1', await store.resolve(digest));
	await store.close();
	return {cli, host: `127.0.0.1:${port}`, digest};
}

interface Moved {
	readonly source: string;
	readonly targets: readonly string[];
	readonly digest: string;
	readonly sent: {readonly blobs: number};
	readonly mounted: {readonly blobs: number};
	readonly skipped: {readonly blobs: number};
}

test('an image is pushed, listed, inspected, pulled by another store and pushed again for nothing', async t => {
	const {cli, host, digest} = await setUp(t);
	const pushed = await cli.ok('push', 'shop:v1', `${host}/team/shop:v1`, `${host}/team/shop:v1.0`);
	t.regex(pushed, new RegExp(`^docker://${host}/team/shop:v1 is ${digest}$`, 'm'));
	t.regex(pushed, /^ {2}sent .* in 8 blobs, .* there already$/m);
	t.is(await cli.ok('search-tags', `${host}/team/shop`), 'v1\nv1.0\n');
	t.is(await cli.ok('tags', '--limit', '1', `docker://${host}/team/shop`), 'v1.0\n');
	t.is(await cli.ok('tags', '--filter', 'v?', `${host}/team/shop`), 'v1\n');

	const raw = await cli.run(['manifest', 'inspect', '--raw', `docker://${host}/team/shop:v1`]);
	const store = await openStore(join(cli.dir, 'store'));
	t.deepEqual(raw.stdoutBytes, readFileSync(store.blobPath(digest as `sha256:${string}`)));
	await store.close();
	t.regex(await cli.ok('inspect', `docker://${host}/team/shop:v1`), /Platforms: +linux\/amd64, linux\/arm64/);
	t.is(await cli.ok('referrers', `docker://${host}/team/shop:v1`), `nothing refers to ${digest}\n`);

	t.is(await cli.ok('--root', 'second', 'pull', '-q', `${host}/team/shop:v1`), `${digest}\n`);
	t.regex(await cli.ok('--root', 'second', 'verify', `${host}/team/shop:v1`), /^ok /);
	const again = await cli.ok('--root', 'second', 'push', `${host}/team/shop:v1`);
	t.regex(again, /^ {2}nothing sent, .* in 8 blobs there already$/m);
});

test('--output json says what moved, and --digestfile keeps the digest', async t => {
	const {cli, host, digest} = await setUp(t);
	const [moved] = (await cli.json('copy', '--digestfile', 'digest', 'shop:v1', `docker://${host}/a:1`)) as Moved[];
	t.is(moved?.digest, digest);
	t.deepEqual([moved?.source, moved?.targets], ['shop:v1', [`docker://${host}/a:1`]]);
	t.deepEqual([moved?.sent.blobs, moved?.skipped.blobs], [8, 0]);
	t.is(readFileSync(join(cli.dir, 'digest'), 'utf8'), digest);
});

test('what another repository of the registry has is mounted, not sent', async t => {
	const {cli, host, digest} = await setUp(t);
	const [both] = (await cli.json('push', 'shop:v1', `${host}/a:1`, `${host}/b:1`)) as Moved[];
	t.deepEqual(
		[both?.sent.blobs, both?.mounted.blobs],
		[11, 5],
		'manifests go to each, blobs are mounted in the second',
	);
	await cli.ok('pull', `${host}/a:1`);
	const [third] = (await cli.json('push', `${host}/a:1`, `${host}/c:1`)) as Moved[];
	t.deepEqual([third?.digest, third?.sent.blobs, third?.mounted.blobs], [digest, 3, 5]);
	const [fourth] = (await cli.json('copy', `docker://${host}/b:1`, `docker://${host}/d:1`)) as Moved[];
	t.deepEqual([fourth?.sent.blobs, fourth?.mounted.blobs], [3, 5]);
});

test('one platform of a registry goes to a disk and back with the bytes of its index', async t => {
	const {cli, host, digest} = await setUp(t);
	await cli.ok('push', 'shop:v1', `${host}/shop:v1`);
	await cli.ok('copy', '--platform', 'arm64', `docker://${host}/shop:v1`, 'oci-archive:site.tar:v1');
	t.is(
		await cli.ok('-q', '--root', 'second', 'copy', '--platform', 'arm64', 'oci-archive:site.tar', 'shop:v1'),
		`${digest}\n`,
	);
	const whole = await cli.run(['--root', 'second', 'push', 'shop:v1', `${host}/again:v1`]);
	t.is(whole.exitCode, 1);
	t.regex(whole.stderr, /shop:v1 holds only a part of its image: linux\/arm64 \[ERR_CONTENT_MISSING\]/);
	await cli.ok('--root', 'second', 'push', '--platform', 'arm64', '--no-keep-index', 'shop:v1', `${host}/again:v1`);
});

test('delete takes away the tag alone, or the manifest with its tags', async t => {
	const {cli, host, digest} = await setUp(t);
	await cli.ok('push', 'shop:v1', `${host}/shop:v1`, `${host}/shop:v2`, `${host}/shop:v3`);
	const unasked = await cli.run(['delete', `docker://${host}/shop:v1`]);
	t.is(unasked.exitCode, 2);
	t.regex(unasked.stderr, /no terminal.*\n.*--yes/);
	t.is(
		await cli.ok('delete', '--yes', `docker://${host}/shop:v1`),
		`deleted the tag docker://${host}/shop:v1, which was ${digest}\n`,
	);
	t.is(await cli.ok('tags', `${host}/shop`), 'v2\nv3\n');
	const typo = await cli.run(['delete', '--yes', `docker://${host}/shop:v2`, `docker://${host}/shop:v9`]);
	t.is(typo.exitCode, 1);
	t.is(await cli.ok('tags', `${host}/shop`), 'v2\nv3\n', 'a typo in the second name does not cost the first');
	await cli.ok('delete', '-y', `docker://${host}/shop@${digest}`);
	t.is(await cli.ok('tags', `${host}/shop`), '');
});

test('a registry that deletes by digest only is answered with the line that would do it', async t => {
	const cli = cliIn(t);
	const registry = await startRegistry(t);
	const digest = registry.image('shop:v1');
	registry.intercept = (request, response) =>
		request.method === 'DELETE' && sendError(response, 400, 'DIGEST_INVALID', 'provided digest did not match');
	const {exitCode, stderr} = await cli.run(['delete', '-y', `docker://${registry.host}/shop:v1`]);
	t.is(exitCode, 1);
	t.regex(stderr, /cannot delete a tag alone \[ERR_REGISTRY_UNSUPPORTED\]/);
	t.true(stderr.includes(`sealimage delete docker://${registry.host}/shop@${digest}`));
});

test('an archive is written from a registry without a question for each blob', async t => {
	const cli = cliIn(t);
	const registry = await startRegistry(t);
	registry.image('shop:v1', 'a layer');
	await cli.ok('copy', `docker://${registry.host}/shop:v1`, 'oci-archive:shop.tar');
	t.deepEqual(
		registry.requests.filter(line => line.startsWith('HEAD') && line.includes('/blobs/')),
		[],
	);
});

test('a copy to a name with a host says that it stays in the store', async t => {
	const {cli, host} = await setUp(t);
	const {stderr, exitCode} = await cli.run(['copy', 'shop:v1', `${host}/shop:v1`]);
	t.is(exitCode, 0);
	t.true(stderr.includes(`write docker://${host}/shop:v1 to send the image there`));
	const asked = await cli.run(['copy', 'shop:v1', `store:${host}/shop:v2`]);
	t.false(asked.stderr.includes('docker://'));
});

test('names in an archive from outside cannot write to the terminal', async t => {
	const {cli} = await setUp(t);
	await cli.ok('save', '-o', 'a.tar', 'shop:v1');
	const evil = '\u001b[2Jx';
	const name = 'docker.io/library/shop:v1';
	const bytes = readFileSync(join(cli.dir, 'a.tar')).toString('latin1');
	const written = JSON.stringify(evil).slice(1, -1);
	const padded = written.padEnd(name.length, 'y');
	writeFileSync(join(cli.dir, 'evil.tar'), Buffer.from(bytes.replaceAll(name, padded), 'latin1'));
	const listed = await cli.run(['tags', 'oci-archive:evil.tar']);
	t.is(listed.exitCode, 0);
	t.regex(listed.stdout, /^\\x1b\[2Jxy*\n$/);
	const wrong = await cli.run(['copy', 'oci-archive:evil.tar:v9', 'a:1']);
	t.regex(wrong.stderr, /holds no image "v9"/);
	t.false(wrong.stderr.includes('\u001b'));
});

interface Refused {
	readonly code: string;
	readonly message: RegExp;
	readonly hint?: RegExp;
	readonly exitCode?: number;
}

const refuses = test.macro({
	async exec(t, line: string, {code, message, hint, exitCode = 1}: Refused) {
		const {cli, host} = await setUp(t);
		await cli.ok('push', '-q', 'shop:v1', `${host}/shop:v1`);
		writeFileSync(join(cli.dir, 'notes.txt'), 'precious');
		mkdirSync(join(cli.dir, 'photos'));
		writeFileSync(join(cli.dir, 'photos/a.jpg'), 'x');
		const result = await cli.run(line.replaceAll('HOST', host).split(' '));
		t.regex(result.stderr, new RegExp(`\\[${code}\\]`));
		t.regex(result.stderr, message);
		if (hint !== undefined) t.regex(result.stderr.slice(result.stderr.indexOf('hint:')), hint);
		t.is(result.exitCode, exitCode);
		t.is(result.stdout, '');
		t.is(readFileSync(join(cli.dir, 'notes.txt'), 'utf8'), 'precious');
	},
	title: (_given, line) => `"sealimage ${line}" says what is wrong and what to do`,
});

test(refuses, 'pull HOST/Shop', {
	code: 'ERR_REFERENCE_INVALID',
	message: /must be lower case/,
	hint: /Write 127\.0\.0\.1:\d+\/shop\./,
	exitCode: 2,
});
test(refuses, 'pull registry.invalid/shop:v1', {
	code: 'ERR_REGISTRY_HOST',
	message: /There is no host called registry\.invalid/,
	hint: /spelling/,
});
test(refuses, 'pull 127.0.0.1:1/shop:v1', {
	code: 'ERR_REGISTRY_UNREACHABLE',
	message: /Nothing answers at 127\.0\.0\.1:1: the connection is refused/,
	hint: /whether the registry runs there/,
});
test(refuses, 'pull HOST/shop:v2', {code: 'ERR_IMAGE_UNKNOWN', message: /no image .*shop:v2/, hint: /v1/});
test(refuses, 'tags HOST/none', {code: 'ERR_IMAGE_UNKNOWN', message: /no repository none/});
test(refuses, 'pull --platform s390x HOST/shop:v1', {
	code: 'ERR_PLATFORM',
	message: /is for linux\/amd64, linux\/arm64, wanted linux\/s390x/,
	hint: /--platform linux\/amd64/,
});
test(refuses, 'pull oci:photos', {code: 'ERR_USAGE', message: /from registries/, hint: /sealimage copy/, exitCode: 2});
test(refuses, 'push a1b2c3d4', {code: 'ERR_USAGE', message: /needs DESTINATION/, hint: /Name the target/, exitCode: 2});
test(refuses, 'push shop:v9 HOST/shop:v9', {
	code: 'ERR_IMAGE_UNKNOWN',
	message: /No image "shop:v9"/,
	hint: /Use shop:v1, .*docker:\/\/shop:v9 for the image in its registry/,
});
test(refuses, 'inspect HOST/other:v1', {
	code: 'ERR_IMAGE_UNKNOWN',
	message: /No image "127\.0\.0\.1:\d+\/other:v1" in the store/,
	hint: /Check the name.* docker:\/\/127\.0\.0\.1:\d+\/other:v1 for the image in its registry/,
});
test(refuses, 'copy dokcer://HOST/shop:v1 a:1', {
	code: 'ERR_PLACE_INVALID',
	message: /no kind of place called dokcer/,
	hint: /Did you mean docker:\/\//,
	exitCode: 2,
});
test(refuses, 'copy oci:photos a:1', {
	code: 'ERR_LAYOUT_INVALID',
	message: /photos is no OCI image layout: there is no oci-layout file/,
	hint: /Name the folder/,
});
test(refuses, 'copy oci:none a:1', {code: 'ERR_LAYOUT_INVALID', message: /it does not exist/, hint: /Name the folder/});
test(refuses, 'copy registry-dir:photos:shop:v1 a:1', {
	code: 'ERR_REGISTRY_DIR',
	message: /photos is no registry folder/,
	hint: /docker\/registry\/v2/,
});
test(refuses, 'copy oci-archive:notes.txt a:1', {
	code: 'ERR_TAR_FORMAT',
	message: /notes\.txt is no archive, or a damaged one/,
});
test(refuses, 'copy shop:v1 oci-archive:notes.txt', {
	code: 'ERR_NOT_REPLACED',
	message: /it is there already and is no archive/,
	hint: /Name another file/,
});
test(refuses, 'copy shop:v1 oci-archive:none/site.tar', {
	code: 'ERR_IO',
	message: /there is no folder .*none/,
	hint: /Make the folder first/,
});
test(refuses, 'copy shop:v1 oci:notes.txt/site', {code: 'ERR_IO', message: /a part of the path is not a folder/});
test(refuses, 'copy shop:v1 docker-archive:a.tar', {
	code: 'ERR_PLATFORM',
	message: /holds one platform, and the image is for linux\/amd64, linux\/arm64/,
	hint: /--platform linux\/amd64/,
});
test(refuses, 'copy docker://HOST/shop:v1 docker://HOST/shop:v1', {
	code: 'ERR_SAME_PLACE',
	message: /is the source and the target/,
});
test(refuses, 'copy --all --platform arm64 shop:v1 oci:a', {
	code: 'ERR_USAGE',
	message: /exclude each other/,
	exitCode: 2,
});
test(refuses, 'copy --no-keep-index shop:v1 oci:a', {code: 'ERR_USAGE', message: /none is chosen/, exitCode: 2});
test(refuses, 'delete --yes shop:v1', {
	code: 'ERR_USAGE',
	message: /is in the store/,
	hint: /sealimage rmi shop:v1/,
	exitCode: 2,
});
