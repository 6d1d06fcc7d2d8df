import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {digestOf} from '../../../lib/oci/digest.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {startServer} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

const content = 'small and dear';
const digest = digestOf(content);

test('a small blob that is damaged on disk is not served; once repaired it is', async t => {
	const dir = tempDir(t);
	const warnings: string[] = [];
	const storage = await openStockStorage(dir, {create: true, durability: 'none'});
	const client = await startServer(t, storage, {
		onEvent: event => event.type === 'warning' && warnings.push(event.code),
	});
	await client.pushBlob('a', content);
	const file = join(dir, 'docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data');
	writeFileSync(file, content.replace('dear', 'bad!'));
	const reply = await client.send('GET', `/v2/a/blobs/${digest}`);
	t.is(reply.status, 500);
	t.deepEqual(reply.codes(), ['UNKNOWN']);
	t.false(reply.body.toString().includes(dir));
	t.deepEqual(warnings, ['ERR_CONTENT_DIGEST']);
	writeFileSync(file, content);
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).body.toString(), content);
});

test('a blob that is deleted is gone at once, however small', async t => {
	const client = await startServer(t, await openStockStorage(tempDir(t), {create: true, durability: 'none'}));
	await client.pushBlob('a', content);
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).status, 200);
	t.is((await client.send('DELETE', `/v2/a/blobs/${digest}`)).status, 202);
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).status, 404);
});
