import {createWriteStream, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import {openArchive, openDockerArchive} from '../../../lib/oci/archive/open.js';
import {openTarFile} from '../../../lib/oci/archive/tar-file.js';
import {type ArchiveItem, writeDockerArchive, writeOciArchive} from '../../../lib/oci/archive/write.js';
import {copy} from '../../../lib/oci/copy.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {describeText, putImage, putIndex, putMultiArch, sha256} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function write(t: ExecutionContext, bytes: AsyncIterable<Uint8Array>): Promise<string> {
	const path = join(tempDir(t), 'archive.tar');
	await pipeline(Readable.from(bytes), createWriteStream(path));
	return path;
}

async function item(store: Store, ...names: string[]): Promise<ArchiveItem> {
	return {descriptor: await store.resolve(names[0]!), names};
}

test('an OCI archive of several images gives the same images back', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('docker.io/library/a:1', await putImage(store, {layers: ['one', 'shared'], gzip: true}));
	await store.tag('docker.io/library/b:1', await putMultiArch(store));
	const items = [await item(store, 'docker.io/library/a:1'), await item(store, 'docker.io/library/b:1')];
	const path = await write(t, writeOciArchive(store, items));
	const archive = await openArchive(path, {tempDir: tempDir(t)});
	t.deepEqual(
		(await archive.images()).map(({descriptor, names}) => [descriptor.digest, names]),
		items.map(({descriptor, names}) => [descriptor.digest, names]),
	);
	const other = await openStore(tempDir(t));
	for (const name of ['a:1', 'b:1']) {
		const copied = await copy(archive, name, other);
		t.is(copied.digest, (await store.resolve(name)).digest);
		t.deepEqual((await verifyImage(other, name)).findings, []);
	}
	await archive.close();
});

test('equal images give equal bytes, whatever the order in which they were stored', async t => {
	const digests: string[] = [];
	for (const layers of [
		['one', 'two'],
		['two', 'one'],
	]) {
		const store = await openStore(tempDir(t));
		for (const layer of layers) await putImage(store, {layers: [layer]});
		const image = await putImage(store, {layers: ['one', 'two']});
		const bytes = await collect(writeOciArchive(store, [{descriptor: image, names: ['docker.io/library/a:1']}]), 1e6);
		digests.push(sha256(bytes));
	}
	t.is(digests[0], digests[1]);
});

test('a docker archive is one for old docker and for new, and an OCI archive too', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('ghcr.io/x/a:1', await putImage(store, {layers: ['one', 'two'], gzip: true}));
	await store.tag('docker.io/library/b:2', await putImage(store, {layers: ['one']}));
	const items = [await item(store, 'ghcr.io/x/a:1'), await item(store, 'docker.io/library/b:2')];
	const path = await write(t, writeDockerArchive(store, items));
	const tar = await openTarFile(path, {tempDir: tempDir(t)});
	const {offset, size} = tar.members.get('repositories')!;
	const repositories = readFileSync(path)
		.subarray(offset, offset + size)
		.toString();
	t.deepEqual(Object.keys(JSON.parse(repositories) as object), ['ghcr.io/x/a', 'b']);
	for (const open of [openArchive, openDockerArchive]) {
		const archive = await open(path, {tempDir: tempDir(t)});
		t.deepEqual(
			(await archive.images()).map(({names}) => names),
			[['ghcr.io/x/a:1'], ['docker.io/library/b:2']],
		);
		const other = await openStore(tempDir(t));
		await copy(archive, 'ghcr.io/x/a:1', other);
		t.deepEqual((await verifyImage(other, 'ghcr.io/x/a:1')).findings, []);
	}
});

test('a docker archive holds one platform, which the caller may choose', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	const items = [{descriptor: index, names: ['docker.io/library/a:1']}];
	await t.throwsAsync(collect(writeDockerArchive(store, items), 1e6), {code: 'ERR_PLATFORM'});
	const platform = {os: 'linux', architecture: 'arm64'};
	const path = await write(t, writeDockerArchive(store, items, {platform}));
	const archive = await openDockerArchive(path, {tempDir: tempDir(t)});
	t.deepEqual((await archive.images())[0]?.descriptor.platform, platform);
});

test('children that a sparse index lacks are left out; other content must be there', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	const index = await putIndex(store, [image, describeText('absent', mediaTypes.manifest)]);
	const items = [{descriptor: index, names: ['docker.io/library/a:1']}];
	const archive = await openArchive(await write(t, writeOciArchive(store, items)), {tempDir: tempDir(t)});
	t.true(await archive.exists(image));
	const absent = describeText('absent', mediaTypes.manifest);
	await t.throwsAsync(collect(writeOciArchive(store, [{descriptor: absent, names: []}]), 1e6), {
		code: 'ERR_CONTENT_MISSING',
	});
});

test('an archive without images is a mistake of the caller', async t => {
	const store = await openStore(tempDir(t));
	await t.throwsAsync(collect(writeOciArchive(store, []), 1e6), {instanceOf: TypeError});
});
