import test from 'ava';
import {keysOf, normalizeKey, parseAuthFile} from '../../../lib/registry/login/auth-file.js';

const auth = Buffer.from('ann:s3cret').toString('base64');
const login = {kind: 'password', username: 'ann', password: 's3cret', origin: 'f'};

test("reads docker's file, podman's file, and the older one", t => {
	const file = parseAuthFile(
		JSON.stringify({
			auths: {'a.io': {auth}},
			credHelpers: {'https://gcr.io': 'gcloud', 'b.io': 7},
			credsStore: 'desktop',
		}),
		'f',
	);
	t.deepEqual([...file.logins], [['a.io', login as never]]);
	t.deepEqual([...file.helpers], [['gcr.io', 'gcloud']]);
	t.is(file.store, 'desktop');
	const old = parseAuthFile(JSON.stringify({'https://index.docker.io/v1/': {auth, email: 'a@b'}}), 'f');
	t.deepEqual([...old.logins], [['docker.io', login as never]]);
	t.deepEqual([...parseAuthFile(' \n', 'f').logins], []);
});

test('a file that is no JSON says so by name and line, and shows none of it', t => {
	const text = `{\n"auths": {"a.io": {"auth": "${auth}" oops}}}`;
	const error = t.throws(() => parseAuthFile(text, '~/.docker/config.json'), {code: 'ERR_CREDENTIALS'});
	t.regex(error?.message ?? '', /^The logins in ~\/\.docker\/config\.json cannot be read: /);
	t.false(JSON.stringify(error).includes(auth));
	for (const other of ['[]', '7', '"x"', 'null'])
		t.throws(() => parseAuthFile(other, 'f'), {
			code: 'ERR_CREDENTIALS',
			message: 'The logins in f cannot be read: it is not one JSON object',
		});
});

test('keys of one registry are one key', t => {
	for (const key of [
		'https://index.docker.io/v1/',
		'https://index.docker.io/v1',
		'index.docker.io',
		'docker.io',
		'registry-1.docker.io',
		'https://registry.docker.io/v2/',
	])
		t.is(normalizeKey(key), 'docker.io');
	t.is(normalizeKey('https://quay.io/'), 'quay.io');
	t.is(normalizeKey('quay.io/team'), 'quay.io/team');
});

test('the keys of a repository go from its full path to its host', t => {
	t.deepEqual(keysOf('quay.io', 'team/app'), ['quay.io/team/app', 'quay.io/team', 'quay.io']);
	t.deepEqual(keysOf('quay.io', ''), ['quay.io']);
});
