import {
	chownSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {dropAllLogins, dropLogin, keepLogin} from '../../../lib/registry/login/keep.js';
import {credentialsFromFiles} from '../../../lib/registry/login/sources.js';
import {installHelper} from '../../helpers/credential-helper.js';
import {tempDir} from '../../helpers/temp-dir.js';

const ann = {username: 'ann', password: 's3:cret'};
const auth = Buffer.from('ann:s3:cret').toString('base64');

function read(path: string): unknown {
	return JSON.parse(readFileSync(path, 'utf8'));
}

test('a login goes to a new file that only its owner can read', async t => {
	const path = join(tempDir(t), 'new/config.json');
	t.is(await keepLogin({path, shown: '~/x'}, 'a.io:5000', ann), '~/x');
	t.deepEqual(read(path), {auths: {'a.io:5000': {auth}}});
	t.is(statSync(path).mode & 0o777, 0o600);
	t.is(statSync(join(path, '..')).mode & 0o777, 0o700);
	t.deepEqual(readdirSync(join(path, '..')), ['config.json']);
});

test("Docker Hub has docker's key, and other spellings of a key do not stay beside it", async t => {
	const path = join(tempDir(t), 'config.json');
	writeFileSync(
		path,
		JSON.stringify({auths: {'docker.io': {auth: 'b2xk', email: 'a@b'}, 'https://a.io': {auth: 'b2xk'}}}),
	);
	await keepLogin({path}, 'docker.io', ann);
	await keepLogin({path}, 'a.io', ann);
	t.deepEqual(read(path), {
		auths: {'https://index.docker.io/v1/': {email: 'a@b', auth}, 'a.io': {auth}},
	});
});

test('all else in the file stays as it was', async t => {
	const path = join(tempDir(t), 'config.json');
	const other = {
		HttpHeaders: {'X-Y': 'z'},
		psFormat: 'table',
		auths: {'b.io': {identitytoken: 'id'}},
		nested: [1, {a: 2}],
	};
	writeFileSync(path, JSON.stringify(other), {mode: 0o644});
	await keepLogin({path}, 'a.io', ann);
	t.deepEqual(read(path), {...other, auths: {...other.auths, 'a.io': {auth}}});
	t.deepEqual(Object.keys(read(path) as object), Object.keys(other));
	t.is(statSync(path).mode & 0o777, 0o600);
	await dropLogin({path}, 'a.io');
	t.deepEqual(read(path), other);
});

test('a file that is a link stays one', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'dotfiles'));
	writeFileSync(join(dir, 'dotfiles/config.json'), '{}');
	symlinkSync('dotfiles/config.json', join(dir, 'config.json'));
	await keepLogin({path: join(dir, 'config.json')}, 'a.io', ann);
	t.true(lstatSync(join(dir, 'config.json')).isSymbolicLink());
	t.deepEqual(read(join(dir, 'dotfiles/config.json')), {auths: {'a.io': {auth}}});
});

test('logins at the same time lose nothing', async t => {
	const path = join(tempDir(t), 'config.json');
	await Promise.all(Array.from({length: 20}, (_, n) => keepLogin({path}, `host-${n}.io`, ann)));
	t.is(Object.keys((read(path) as {auths: object}).auths).length, 20);
});

test('a broken file is left as it is', async t => {
	const path = join(tempDir(t), 'config.json');
	writeFileSync(path, '{"auths": ');
	await t.throwsAsync(keepLogin({path}, 'a.io', ann), {code: 'ERR_CREDENTIALS'});
	t.is(readFileSync(path, 'utf8'), '{"auths": ');
});

test('the helper that a file names keeps the login, and the file holds no secret', async t => {
	const dir = tempDir(t);
	const path = join(dir, 'config.json');
	const {env, storePath} = installHelper(dir, 'pass');
	installHelper(dir, 'own');
	writeFileSync(
		path,
		JSON.stringify({auths: {'a.io': {auth}, 'b.io': {auth}}, credsStore: 'pass', credHelpers: {'b.io': 'own'}}),
	);
	t.is(await keepLogin({path}, 'a.io', ann, {env}), 'docker-credential-pass');
	t.is(await keepLogin({path}, 'docker.io', ann, {env}), 'docker-credential-pass');
	t.is(await keepLogin({path}, 'b.io', ann, {env}), 'docker-credential-own');
	t.deepEqual(read(path), {
		auths: {'a.io': {}, 'https://index.docker.io/v1/': {}},
		credsStore: 'pass',
		credHelpers: {'b.io': 'own'},
	});
	t.deepEqual(Object.keys(read(storePath) as object), ['a.io', 'https://index.docker.io/v1/']);
	t.like(await credentialsFromFiles([{path}], {env})('docker.io', 'library/x'), ann);
	t.is(await dropLogin({path}, 'a.io', {env}), 'docker-credential-pass');
	t.is(await dropLogin({path}, 'a.io', {env}), undefined);
	t.deepEqual(Object.keys(read(storePath) as object), ['https://index.docker.io/v1/']);
	t.deepEqual(await dropAllLogins({path}, {env}), ['b.io', 'docker.io']);
	t.deepEqual(read(storePath), {});
	t.deepEqual(read(path), {auths: {}, credsStore: 'pass', credHelpers: {'b.io': 'own'}});
});

test('a login that is not there is none, and the file is not touched', async t => {
	const path = join(tempDir(t), 'config.json');
	writeFileSync(path, '{"auths":{"a.io":{"auth":"x"}}}');
	t.is(await dropLogin({path}, 'b.io'), undefined);
	t.is(readFileSync(path, 'utf8'), '{"auths":{"a.io":{"auth":"x"}}}');
	t.deepEqual(await dropAllLogins({path: join(path, '../none.json')}), []);
});

test('root leaves the file of a user to the user', async t => {
	const path = join(tempDir(t), 'config.json');
	writeFileSync(path, '{}');
	const owner = process.getuid?.() === 0 ? 12_345 : statSync(path).uid;
	chownSync(path, owner, statSync(path).gid);
	await keepLogin({path}, 'a.io', ann);
	t.is(statSync(path).uid, owner);
});
