import test from 'ava';
import {credentialsFromConfig} from '../../../lib/registry/login/sources.js';

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
