import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {credentialsFromConfig, credentialsFromFiles} from '../../../lib/registry/login/sources.js';
import {installHelper} from '../../helpers/credential-helper.js';
import {tempDir} from '../../helpers/temp-dir.js';

const auth = (text: string): {auth: string} => ({auth: Buffer.from(text).toString('base64')});
const password = (username: string, secret: string) => ({kind: 'password', username, password: secret}) as const;

test('reads hosts, the key of docker for its own registry, and URLs', async t => {
	const source = credentialsFromConfig({
		auths: {
			'https://index.docker.io/v1/': auth('hub:p'),
			'ghcr.io': auth('user:with:colons'),
			'https://quay.io': auth('q:p'),
			'localhost:5000': {username: 'u', password: 'p'},
		},
	});
	t.deepEqual(await source('docker.io', 'library/redis'), password('hub', 'p'));
	t.deepEqual(await source('ghcr.io', 'a/b'), password('user', 'with:colons'));
	t.deepEqual(await source('quay.io', 'a/b'), password('q', 'p'));
	t.deepEqual(await source('localhost:5000', 'a'), password('u', 'p'));
	t.is(await source('other.io', 'a'), undefined);
});

test('the longest path counts', async t => {
	const source = credentialsFromConfig({
		auths: {'quay.io': auth('host:p'), 'quay.io/team': auth('team:p'), 'quay.io/team/app': auth('app:p')},
	});
	t.deepEqual(await source('quay.io', 'team/app'), password('app', 'p'));
	t.deepEqual(await source('quay.io', 'team/application'), password('team', 'p'));
	t.deepEqual(await source('quay.io', 'teams'), password('host', 'p'));
});

test('tokens come before passwords', async t => {
	const source = credentialsFromConfig({
		auths: {a: {...auth('u:p'), identitytoken: 'id'}, b: {identitytoken: 'id', registrytoken: 'reg'}},
	});
	t.deepEqual(await source('a', 'x'), {kind: 'identity-token', token: 'id', username: 'u'});
	t.deepEqual(await source('b', 'x'), {kind: 'registry-token', token: 'reg'});
});

test('what cannot be read is passed over', async t => {
	for (const config of [
		null,
		undefined,
		7,
		{},
		{auths: null},
		{auths: {a: null, b: {}, c: auth('nocolon'), d: {auth: 7}}},
	]) {
		const source = credentialsFromConfig(config);
		for (const host of ['a', 'b', 'c', 'd']) t.is(await source(host, 'x'), undefined);
	}
});

test('the files count in their order, and a login says which one it came from', async t => {
	const dir = tempDir(t);
	writeFileSync(join(dir, 'one.json'), JSON.stringify({auths: {'a.io': auth('one:p')}}));
	writeFileSync(join(dir, 'two.json'), JSON.stringify({auths: {'a.io/deep': auth('two:p'), 'b.io': auth('two:p')}}));
	const source = credentialsFromFiles([
		{path: join(dir, 'none.json')},
		{path: join(dir, 'one.json'), shown: '~/one.json'},
		{path: join(dir, 'two.json')},
	]);
	t.deepEqual(await source('a.io', 'deep'), {...password('one', 'p'), origin: '~/one.json'});
	t.deepEqual(await source('b.io', 'x'), {...password('two', 'p'), origin: join(dir, 'two.json')});
	t.is(await source('c.io', 'x'), undefined);
});

test('a helper for the host comes before the helper for all, and that before what the file holds', async t => {
	const dir = tempDir(t);
	const own = installHelper(dir, 'own', {'a.io': {Username: 'own', Secret: 'p'}});
	const all = installHelper(dir, 'all', {
		'a.io': {Username: 'all', Secret: 'p'},
		'b.io': {Username: 'all', Secret: 'p'},
		'https://index.docker.io/v1/': {Username: 'hub', Secret: 'p'},
	});
	const path = join(dir, 'config.json');
	writeFileSync(
		path,
		JSON.stringify({
			auths: {'a.io': auth('file:p'), 'b.io': auth('file:p'), 'c.io': auth('file:p')},
			credHelpers: {'a.io': 'own', 'd.io': 'own'},
			credsStore: 'all',
		}),
	);
	const source = credentialsFromFiles([{path}], {env: own.env});
	t.deepEqual(await source('a.io', 'x'), {...password('own', 'p'), origin: 'docker-credential-own'});
	t.deepEqual(await source('b.io', 'x'), {...password('all', 'p'), origin: 'docker-credential-all'});
	t.deepEqual(await source('c.io', 'x'), {...password('file', 'p'), origin: path});
	t.is(await source('d.io', 'x'), undefined);
	t.deepEqual(await source('docker.io', 'library/x'), {...password('hub', 'p'), origin: 'docker-credential-all'});
	await Promise.all(Array.from({length: 20}, async (_, n) => await source('b.io', `repository-${n}`)));
	const calls = readFileSync(all.logPath, 'utf8').trim().split('\n');
	t.deepEqual(calls, ['get b.io', 'get c.io', 'get https://index.docker.io/v1/']);
});

test('a file that cannot be read says which one and why; one that does not exist is none', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'x.json');
	t.is(await credentialsFromFiles([{path}])('a.io', 'x'), undefined);
	t.is(await credentialsFromFiles([{path: join(dir, 'x.json/config.json')}])('a.io', 'x'), undefined);
	await t.throwsAsync(async () => credentialsFromFiles([{path, shown: 'x.json', required: true}])('a.io', 'x'), {
		code: 'ERR_CREDENTIALS',
		message: 'The logins in x.json cannot be read: it does not exist',
	});
	mkdirSync(path);
	await t.throwsAsync(async () => credentialsFromFiles([{path, shown: 'x.json'}])('a.io', 'x'), {
		code: 'ERR_CREDENTIALS',
		message: 'The logins in x.json cannot be read: it is a folder',
	});
	const secret = join(dir, 'secret.json');
	writeFileSync(secret, '{}');
	chmodSync(secret, 0);
	if (process.getuid?.() !== 0)
		await t.throwsAsync(async () => credentialsFromFiles([{path: secret, shown: 's'}])('a.io', 'x'), {
			code: 'ERR_CREDENTIALS',
			message: 'The logins in s cannot be read: permission denied',
		});
});
