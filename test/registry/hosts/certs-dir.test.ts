import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {findCertsDir, folderName, readCertsDir} from '../../../lib/registry/hosts/certs-dir.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';
import {tlsFixture} from '../../helpers/tls-server.js';

const [ca, cert, key] = [tlsFixture('ca.crt'), tlsFixture('client.crt'), tlsFixture('server.key')];

test('a folder holds authorities and client certificates with their keys', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'a.crt': ca, 'b.crt': ca, 'client.cert': cert, 'client.key': key, 'notes.txt': 'x'});
	t.deepEqual(await readCertsDir(dir), {ca: [ca, ca], client: [{cert, key}]});
	t.is(await readCertsDir(join(dir, 'none')), undefined);
});

test('the first folder that has one for the host counts', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'two/h:5000/ca.crt': ca, 'three/h:5000/': '', 'one/': ''});
	const roots = ['one', 'two', 'three'].map(name => join(dir, name));
	t.deepEqual(await findCertsDir(roots, 'h:5000'), {ca: [ca]});
	t.is(await findCertsDir(roots, 'h'), undefined);
});

test('a host that would climb out of the folder has none', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'ca.crt': ca, 'certs.d/': ''});
	for (const host of ['..', '.', 'a/../..', 'a/b', '']) {
		t.is(folderName(host), undefined);
		t.is(await findCertsDir([join(dir, 'certs.d')], host), undefined);
	}
});

test('what cannot be used is refused by name', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {
		'none/a.crt': 'no certificate',
		'bad/a.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
		'keyless/x.cert': cert,
		'certless/x.key': key,
		'other/x.cert': cert,
		'other/x.key': tlsFixture('self-signed.key'),
	});
	for (const [name, message] of [
		['none', /a\.crt: it holds no certificate in PEM form/],
		['bad', /a\.crt: its certificate is damaged/],
		['keyless', /x\.cert: there is no x\.key beside it/],
		['certless', /x\.key: there is no x\.cert beside it/],
		['other', /x\.cert and .*x\.key: they are not a client certificate in PEM form and its key/],
	] as const)
		await t.throwsAsync(readCertsDir(join(dir, name)), {code: 'ERR_REGISTRY_CONFIG', message});
});

test('a folder that may not be read is no empty folder', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'h/ca.crt': ca, file: 'x'});
	await t.throwsAsync(readCertsDir(join(dir, 'file')), {code: 'ERR_IO'});
	chmodSync(join(dir, 'h'), 0);
	if (process.getuid?.() !== 0) await t.throwsAsync(readCertsDir(join(dir, 'h')), {code: 'ERR_PERMISSION'});
	chmodSync(join(dir, 'h'), 0o700);
});
