import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {helperErase, helperGet, helperList, helperStore} from '../../../lib/registry/login/helper.js';
import {installHelper, installScript} from '../../helpers/credential-helper.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('a helper stores, gives, lists and erases logins', async t => {
	const {env, logPath} = installHelper(tempDir(t), 'pass');
	const login = {username: 'ann', password: 's3:cret'};
	t.is(await helperGet('pass', 'ghcr.io', {env}), undefined);
	await helperStore('pass', 'ghcr.io', login, {env});
	t.deepEqual(await helperGet('pass', 'ghcr.io', {env}), {
		kind: 'password',
		...login,
		origin: 'docker-credential-pass',
	});
	t.deepEqual([...(await helperList('pass', {env}))], [['ghcr.io', 'ann']]);
	t.true(await helperErase('pass', 'ghcr.io', {env}));
	t.false(await helperErase('pass', 'ghcr.io', {env}));
	t.deepEqual(readFileSync(logPath, 'utf8').split('\n').slice(0, 2), [
		'get ghcr.io',
		'store {"ServerURL":"ghcr.io","Username":"ann","Secret":"s3:cret"}',
	]);
});

test('the user <token> means an identity token', async t => {
	const {env} = installHelper(tempDir(t), 'x', {'a.io': {Username: '<token>', Secret: 'id'}});
	t.deepEqual(await helperGet('x', 'a.io', {env}), {
		kind: 'identity-token',
		token: 'id',
		origin: 'docker-credential-x',
	});
});

test('a name that is a path runs nothing', async t => {
	const dir = tempDir(t);
	const env = installScript(dir, 'evil', 'echo "{}"');
	for (const name of [join(dir, 'bin/x'), '../evil', 'a/../../evil', '', '-x', 'a b', 'a\0b'])
		await t.throwsAsync(helperGet(name, 'a.io', {env}), {
			code: 'ERR_CREDENTIALS',
			message: /is no name of a credential helper/,
		});
});

test('a helper that is not there, fails, prints rubbish or too much says which one it is, and never its output', async t => {
	const dir = tempDir(t);
	installScript(dir, 'fails', 'echo "gpg: no key\u001b[2J"; exit 3');
	installScript(dir, 'silent', 'exit 2');
	installScript(dir, 'rubbish', 'echo "Secret: hunter2"');
	const env = installScript(dir, 'endless', 'yes');
	for (const [name, message] of [
		['absent', 'docker-credential-absent is not installed, or not in PATH'],
		['fails', 'docker-credential-fails get failed: gpg: no key [2J'],
		['silent', 'docker-credential-silent get failed with exit code 2'],
		['rubbish', 'docker-credential-rubbish answered with something that is no JSON object'],
		['endless', 'docker-credential-endless printed more than 1048576 bytes'],
	] as const)
		await t.throwsAsync(helperGet(name, 'a.io', {env}), {code: 'ERR_CREDENTIALS', message});
});

test('a helper that hangs is ended, and an abort ends it too', async t => {
	const env = installScript(tempDir(t), 'hangs', 'exec sleep 100');
	await t.throwsAsync(helperGet('hangs', 'a.io', {env, timeoutMs: 50}), {
		code: 'ERR_CREDENTIALS',
		message: 'docker-credential-hangs did not answer within 50 ms',
	});
	const reason = new Error('enough');
	const controller = new AbortController();
	const asked = helperGet('hangs', 'a.io', {env, signal: controller.signal});
	controller.abort(reason);
	t.is(await t.throwsAsync(asked), reason);
});
