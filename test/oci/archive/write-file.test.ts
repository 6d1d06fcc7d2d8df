import {mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {openOciArchive} from '../../../lib/oci/archive/open.js';
import {writeArchiveFile} from '../../../lib/oci/archive/write-file.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {describeText, putImage} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('an archive replaces an older one, plain or compressed, and an empty file', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'));
	const descriptor = await putImage(store);
	const path = join(dir, 'a.tar');
	for (const before of [undefined, '', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])]) {
		if (before !== undefined) writeFileSync(path, before);
		await writeArchiveFile(path, 'oci-archive', store, [{descriptor, names: ['v1']}]);
		await writeArchiveFile(path, 'oci-archive', store, [{descriptor, names: ['v2']}]);
		const archive = await openOciArchive(path, {tempDir: dir});
		t.deepEqual((await archive.images())[0]?.names, ['v2']);
		await archive.close();
	}
	await store.close();
});

test('a file that is no archive is left alone', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'));
	const items = [{descriptor: await putImage(store), names: []}];
	const path = join(dir, 'notes.txt');
	writeFileSync(path, 'precious');
	mkdirSync(join(dir, 'folder'));
	symlinkSync('notes.txt', join(dir, 'link'));
	for (const name of ['notes.txt', 'folder', 'link']) {
		const error = await t.throwsAsync(writeArchiveFile(join(dir, name), 'docker-archive', store, items), {
			instanceOf: SealError,
			code: 'ERR_NOT_REPLACED',
		});
		t.truthy(error.hint);
	}
	t.is(readFileSync(path, 'utf8'), 'precious');
	await store.close();
});

test('a failure leaves the older archive and no other file', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'));
	const path = join(dir, 'a.tar');
	await writeArchiveFile(path, 'oci-archive', store, [{descriptor: await putImage(store), names: ['v1']}]);
	const before = readFileSync(path);
	const missing = describeText('nowhere', 'application/vnd.oci.image.manifest.v1+json');
	await t.throwsAsync(writeArchiveFile(path, 'oci-archive', store, [{descriptor: missing, names: []}]));
	t.deepEqual(readFileSync(path), before);
	t.deepEqual(readdirSync(dir).toSorted(), ['a.tar', 'store']);
	const error = await t.throwsAsync(writeArchiveFile(join(dir, 'no/a.tar'), 'oci-archive', store, []), {
		instanceOf: SealError,
		code: 'ERR_IO',
	});
	t.is(error.message, `Cannot write ${dir}/no/a.tar: there is no folder ${dir}/no`);
	await store.close();
});
