import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openLayoutDir} from '../../../lib/oci/archive/layout-dir.js';
import {copy} from '../../../lib/oci/copy.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {putImage, putMultiArch} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('writes a layout that holds nothing but images, with names as given', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	await store.tag('a:1', index);
	const path = join(tempDir(t), 'layout');
	const layout = await openLayoutDir(path, {create: true});
	await copy(store, 'a:1', layout, {as: 'v1'});
	await copy(store, 'a:1', layout, {as: 'v2'});
	await layout.close();
	t.deepEqual(readdirSync(path).toSorted(), ['blobs', 'index.json', 'oci-layout']);
	const entries = (JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as {manifests: {annotations: object}[]})
		.manifests;
	t.deepEqual(
		entries.map(({annotations}) => annotations),
		[{'org.opencontainers.image.ref.name': 'v1'}, {'org.opencontainers.image.ref.name': 'v2'}] as object[],
	);
	const again = await openLayoutDir(path);
	t.deepEqual(
		(await again.images()).map(({names}) => names),
		[['v1', 'v2']],
	);
	t.is((await again.resolve('v2')).digest, index.digest);
	t.deepEqual((await verifyImage(again, 'v1')).findings, []);
	await again.close();
});

test('a name moves, and an image without a name is kept', async t => {
	const path = join(tempDir(t), 'layout');
	const layout = await openLayoutDir(path, {create: true});
	const one = await putImage(layout, {layers: ['1']});
	const two = await putImage(layout, {layers: ['2']});
	await layout.tag('v1', one);
	await layout.tag('v1', two);
	await layout.tag(one.digest, one);
	t.deepEqual(
		(await layout.images()).map(({names, descriptor}) => [names, descriptor.digest]),
		[
			[['v1'], two.digest],
			[[], one.digest],
		],
	);
	await layout.close();
});

test('refuses a folder that is no layout', async t => {
	await t.throwsAsync(openLayoutDir(tempDir(t)), {code: 'ERR_LAYOUT_INVALID', message: /is no OCI image layout/});
});
