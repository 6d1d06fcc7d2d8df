import test from 'ava';
import {openToAll} from '../../../lib/registry/server/access/policy.js';
import {serveRegistry} from '../../../lib/registry/server/serve.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('a server tells where it listens and stops', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true});
	const server = await serveRegistry(storage, {port: 0});
	t.is(server.url, `http://127.0.0.1:${server.address.port}`);
	t.is((await fetch(`${server.url}/v2/`)).status, 200);
	await server.close();
	await t.throwsAsync(async () => fetch(`${server.url}/v2/`));
});

test('a port that is taken is refused', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true});
	const server = await serveRegistry(storage, {port: 0});
	t.teardown(server.close);
	await t.throwsAsync(async () => serveRegistry(storage, {port: server.address.port}), {
		code: 'ERR_SERVER_LISTEN',
		message: /another program listens there/,
	});
});

test('an address beyond loopback wants to know who has access', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true});
	await t.throwsAsync(async () => serveRegistry(storage, {host: '0.0.0.0', port: 0}), {code: 'ERR_SERVER_EXPOSED'});
	const server = await serveRegistry(storage, {host: '0.0.0.0', port: 0, access: openToAll});
	t.is((await fetch(`http://127.0.0.1:${server.address.port}/v2/`)).status, 200);
	await server.close();
});
