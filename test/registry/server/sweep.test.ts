import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {startServer, storages} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

for (const [kind, open] of Object.entries(storages)) {
	test(`uploads that were given up go, at the start and while the server runs (${kind})`, async t => {
		const storage = await open(tempDir(t));
		await storage.uploads.start('a');
		await sleep(30);
		const client = await startServer(t, storage, {uploadIdleMs: 20});
		while ((await storage.uploads.count()) > 0) await sleep(5);
		const {headers} = await client.send('POST', '/v2/a/blobs/uploads/');
		while ((await storage.uploads.count()) > 0) await sleep(5);
		t.is((await client.send('GET', headers.location ?? '')).status, 404);
	});

	test(`a server that is read-only removes no uploads (${kind})`, async t => {
		const storage = await open(tempDir(t));
		await storage.uploads.start('a');
		await sleep(30);
		const client = await startServer(t, storage, {uploadIdleMs: 10, readOnly: true});
		await client.send('GET', '/v2/');
		await sleep(50);
		t.is(await storage.uploads.count(), 1);
	});
}
