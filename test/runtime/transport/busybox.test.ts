import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {exec} from '../../../lib/runtime/transport/exec.js';
import {downloadFile, uploadFile} from '../../../lib/runtime/transport/files.js';
import {startLocally} from '../../../lib/runtime/transport/local/start.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {downloadTree, uploadTree} from '../../../lib/runtime/transport/trees.js';
import {spawnInShell} from '../../../lib/runtime/transport/wrap.js';
import {testWith} from '../../helpers/programs.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

/** A host that has nothing but busybox, its shell too. */
function busyboxHost(t: ExecutionContext): Transport {
	const bin = join(tempDir(t), 'bin');
	const busybox = execFileSync('sh', ['-c', 'command -v busybox'], {encoding: 'utf8'}).trim();
	mkdirSync(bin);
	for (const name of execFileSync(busybox, ['--list'], {encoding: 'utf8'}).trim().split('\n')) {
		symlinkSync(busybox, join(bin, name));
	}
	const asBusybox = (text: string): string => text.replaceAll('/bin/sh', join(bin, 'sh'));
	return {
		host: 'busybox',
		spawn: (argv, options) =>
			spawnInShell(
				{
					host: 'busybox',
					user: 'root',
					start: (line, start) =>
						startLocally(join(bin, 'sh'), `PATH='${bin}'; export PATH; ${asBusybox(line)}`, start),
				},
				argv,
				options,
			),
		close: () => Promise.resolve(),
		[Symbol.asyncDispose]: () => Promise.resolve(),
	};
}

testWith('busybox')('busybox is enough for commands', async t => {
	const {stdout} = await exec(busyboxHost(t), ['sh', '-c', 'readlink /proc/$$/exe; printf %s "$A"; cat'], {
		env: {A: "it's\n"},
		input: 'in',
	});
	t.regex(stdout.toString(), /busybox\nit's\nin$/);
	const stop = AbortSignal.timeout(300);
	await t.throwsAsync(exec(busyboxHost(t), ['sh', '-c', 'trap "" TERM; sleep 300; sleep 300'], {signal: stop}), {
		any: true,
	});
});

testWith('busybox')('busybox is enough for files that go on where they broke off', async t => {
	const host = busyboxHost(t);
	const folder = tempDir(t);
	const bytes = Buffer.alloc(10 << 20, 'some content');
	const broken = async function* (): AsyncGenerator<Uint8Array> {
		yield bytes.subarray(0, 9 << 20);
		await new Promise(resolve => setTimeout(resolve, 300));
		throw new Error('broke off');
	};
	const path = join(folder, 'big');
	const {digest} = await uploadFile(host, {bytes}, join(folder, 'other'), {
		mode: 0o600,
		owner: String(process.getuid?.()),
	});
	await t.throwsAsync(uploadFile(host, {sizeBytes: bytes.length, digest, read: broken}, path), {message: 'broke off'});
	t.is((await uploadFile(host, {bytes}, path)).sentBytes, 2 << 20);
	t.is((await uploadFile(host, {bytes}, path)).sentBytes, 0);
	await downloadFile(host, path, join(folder, 'back'));
	t.true(readFileSync(join(folder, 'back')).equals(bytes));
	t.is(statSync(join(folder, 'other')).mode & 0o777, 0o600);
});

testWith('busybox')('busybox is enough for folders', async t => {
	const host = busyboxHost(t);
	const folder = tempDir(t);
	writeFiles(folder, {'source/sub/a': 'a', 'source/link': '-> sub/a', 'there/kept': 'kept'});
	writeFileSync(join(folder, 'source/large'), Buffer.alloc(2 << 20));
	await uploadTree(host, join(folder, 'source'), join(folder, 'there'));
	t.is((await uploadTree(host, join(folder, 'source'), join(folder, 'there'))).movedBytes, 0);
	t.is(readFileSync(join(folder, 'there/kept'), 'utf8'), 'kept');
	await uploadTree(host, join(folder, 'source'), join(folder, 'there'), {replace: true});
	await downloadTree(host, join(folder, 'there'), join(folder, 'back'));
	t.is(readFileSync(join(folder, 'back/link'), 'utf8'), 'a');
	t.throws(() => statSync(join(folder, 'back/kept')));
});
