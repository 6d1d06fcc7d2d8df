import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {createHttpClient} from '../../lib/core/http.js';
import {createTrust, type HttpTls} from '../../lib/core/trust.js';
import {tempDir, writeFiles} from '../helpers/temp-dir.js';
import {serveTls} from '../helpers/tls-server.js';

const ca = readFileSync('test/fixtures/tls/ca.crt', 'utf8');

test('the first try costs nothing, and knows no authority but those of Node', t => {
	const trust = createTrust([ca], []);
	t.is(trust.first(undefined), undefined);
	t.is(trust.first({ca: [ca]}), undefined);
	t.true(trust.hasMore(undefined));
	t.true(createTrust([], ['/x']).hasMore(undefined));
	t.true(createTrust([], []).hasMore({ca: [ca]}));
	t.false(createTrust([], []).hasMore(undefined));
	t.false(trust.hasMore({insecure: true}));
});

test('files that do not exist or hold no certificate are passed over', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'empty.crt': '', 'text.crt': 'hello', 'ca.crt': ca});
	const files = ['none.crt', 'empty.crt', 'text.crt', 'ca.crt'].map(name => join(dir, name));
	t.truthy(await createTrust([], files).whole(undefined));
	t.truthy(await createTrust([], [dir]).whole(undefined));
});

test('who trusts certain authorities alone trusts neither those of Node nor those that are added', async t => {
	const trust = createTrust([ca], []);
	const other = readFileSync('test/fixtures/tls/self-signed.crt', 'utf8');
	t.false(trust.hasMore({ca: [other], pinned: true}));
	const host = await serveTls(t, 'server.crt', (_, response) => response.end('hello'));
	const client = createHttpClient({ca});
	t.teardown(() => client.close());
	const ask = async (tls: HttpTls): Promise<number> => (await client.request(`https://${host}/`, {tls})).status;
	t.is(await ask({ca: [ca], pinned: true}), 200);
	t.is(await ask({ca: [other]}), 200);
	await t.throwsAsync(ask({ca: [other], pinned: true}), {code: 'ERR_NETWORK'});
	await t.throwsAsync(ask({pinned: true}), {code: 'ERR_NETWORK'});
});
