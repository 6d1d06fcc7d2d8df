import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {createTrust} from '../../lib/core/trust.js';
import {tempDir, writeFiles} from '../helpers/temp-dir.js';

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
