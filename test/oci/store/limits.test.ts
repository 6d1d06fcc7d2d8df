import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openStore} from '../../../lib/oci/store/store.js';
import {putImage} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

const program = join(process.cwd(), '.build/test/fixtures/processes/limited-store.js');

/** Runs the program as a user whom permissions concern: root is above them. */
function runUnprivileged(root: string): string {
	const identity = process.getuid?.() === 0 ? {uid: 65_534, gid: 65_534} : {};
	return execFileSync(process.execPath, [program, root, '10'], {encoding: 'utf8', ...identity}).trim();
}

test('a full disk is ERR_NO_SPACE, and the store stays whole', async t => {
	const root = join(tempDir(t), 'store');
	const store = await openStore(root);
	await store.tag('before', await putImage(store));
	// A limit on the size of files (in KiB) fails writes as a full disk does, without one.
	const script = 'ulimit -f 64; trap "" XFSZ; exec "$0" "$@"';
	const answer = execFileSync('sh', ['-c', script, process.execPath, program, root, '1000000'], {encoding: 'utf8'});
	t.regex(answer, /^ERR_NO_SPACE: Cannot write /);
	const after = await openStore(root);
	t.deepEqual(
		(await after.list()).map(({names, damage}) => [names, damage]),
		[[['docker.io/library/before:latest'], undefined]],
	);
	await after.tag('after', await putImage(after, {layers: ['fits']}));
	await Promise.all([store.close(), after.close()]);
	t.deepEqual(readdirSync(store.tempDir), []);
});

test('a folder that may not be entered is ERR_PERMISSION', t => {
	const dir = tempDir(t);
	const root = join(dir, 'store');
	mkdirSync(root);
	chmodSync(dir, 0o755);
	chmodSync(root, 0o000);
	t.regex(runUnprivileged(root), /^ERR_PERMISSION: Cannot read .*store/);
	chmodSync(root, 0o755);
});

test('a store that may only be read can be read, and says so when it is written', async t => {
	const dir = tempDir(t);
	chmodSync(dir, 0o755);
	const root = join(dir, 'store');
	const store = await openStore(root);
	await store.tag('a', await putImage(store));
	await store.close();
	for (const path of [
		root,
		join(root, '.sealimage'),
		store.tempDir,
		join(root, 'blobs'),
		join(root, 'blobs', 'sha256'),
	]) {
		chmodSync(path, 0o555);
	}
	t.regex(runUnprivileged(root), /^ERR_PERMISSION: Cannot make a scratch folder in .*: permission denied/);
	const reader = await openStore(root);
	t.is((await reader.list()).length, 1);
	for (const path of [
		root,
		join(root, '.sealimage'),
		store.tempDir,
		join(root, 'blobs'),
		join(root, 'blobs', 'sha256'),
	]) {
		chmodSync(path, 0o755);
	}
});
