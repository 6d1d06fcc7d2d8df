import {join} from 'node:path';
import test from 'ava';
import {openStore} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {copyImage} from '../../../lib/registry/place/copy-image.js';
import {parsePlace} from '../../../lib/registry/place/parse.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {putImage, putMultiArch} from '../../helpers/images.js';
import {startServer} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** Each kind of place, with a name that tells source from target. */
const kinds: Readonly<Record<string, (name: string, port: number) => string>> = {
	store: name => `${name}:v1`,
	docker: (name, port) => `docker://127.0.0.1:${port}/team/${name}:v1`,
	oci: name => `oci:layout-${name}:v1`,
	'oci-archive': name => `oci-archive:${name}.tar:v1`,
	'docker-archive': name => `docker-archive:${name}.docker.tar:${name}:v1`,
	'registry-dir': name => `registry-dir:folder-${name}:${name}:v1`,
};

const arrives = test.macro({
	async exec(t, from: string, to: string) {
		const dir = tempDir(t);
		const storage = await openStockStorage(join(dir, 'served'), {create: true, durability: 'none'});
		const {port} = await startServer(t, storage);
		const store = await openStore(join(dir, 'store'));
		const registry = openRegistry();
		t.teardown(() => registry.close());
		// A docker archive holds one platform and makes a manifest of its own for it.
		const isSingle = from === 'docker-archive' || to === 'docker-archive';
		await store.tag('made:v1', await (isSingle ? putImage(store, {gzip: true}) : putMultiArch(store)));
		const options = {store, registry, base: dir};
		const place = (kind: string, name: string) => parsePlace(kinds[kind]!(name, port));
		const {descriptor} = await copyImage(parsePlace('made:v1'), place(from, 'source'), options);

		const first = await copyImage(place(from, 'source'), place(to, 'target'), options);
		t.is(first.descriptor.digest, descriptor.digest);

		const second = await copyImage(place(from, 'source'), place(to, 'target'), options);
		t.is(second.descriptor.digest, descriptor.digest);
		// Archives are written as a whole.
		if (!to.endsWith('archive')) t.is(second.tally.sent.blobs, 0);

		const other = await openStore(join(dir, 'other'));
		const back = await copyImage(place(to, 'target'), parsePlace('back:v1'), {
			...options,
			store: to === 'store' ? store : other,
		});
		t.is(back.descriptor.digest, descriptor.digest);
		t.deepEqual((await verifyImage(to === 'store' ? store : other, 'back:v1')).findings, []);
		await other.close();
		await store.close();
	},
	title: (_given, from, to) => `from ${from} to ${to} an image keeps its digest, and a second copy moves nothing`,
});

for (const from of Object.keys(kinds)) for (const to of Object.keys(kinds)) test(arrives, from, to);
