import {chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {ErrorCode} from '../../../lib/core/codes.js';
import {hasCode} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import type {Digest} from '../../../lib/oci/digest.js';
import {sha256} from '../../../lib/runtime/transport/fake/files.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {downloadFile, type UploadOptions, type UploadSource, uploadFile} from '../../../lib/runtime/transport/files.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {tempDir} from '../../helpers/temp-dir.js';

const mebibyte = 1024 * 1024;
const large = Buffer.alloc(20 * mebibyte);
for (let at = 0; at < large.length; at += 4096) large.writeUInt32LE(at, at);

/** What is done on a real disk by the real script, and in memory by the fake that plays it. */
interface Place {
	readonly transport: Transport;
	readonly root: string;
	read(name: string): Buffer | undefined;
	mode(name: string): number;
	names(): string[];
	put(name: string, content: string | Buffer): void;
}

const places: Readonly<Record<string, (t: ExecutionContext) => Place>> = {
	'a real host'(t) {
		const root = tempDir(t);
		return {
			transport: createLocalTransport(),
			root,
			read: name => readFileSync(join(root, name)),
			mode: name => statSync(join(root, name)).mode & 0o7777,
			names: () => readdirSync(root).toSorted(),
			put: (name, content) => writeFileSync(join(root, name), content),
		};
	},
	'a fake host'() {
		const host = createFakeHost({files: {'/srv': {folder: true}}});
		return {
			transport: host.transport,
			root: '/srv',
			read: name => host.files.read(`/srv/${name}`),
			mode: name => host.files.node(`/srv/${name}`)?.mode ?? 0,
			names: () => host.files.below('/srv').map(path => path.slice('/srv/'.length)),
			put: (name, content) => host.files.set(`/srv/${name}`, content),
		};
	},
};

for (const [where, open] of Object.entries(places)) {
	test(`${where} gets a small file with its mode`, async t => {
		const place = open(t);
		const report = await uploadFile(place.transport, {bytes: Buffer.from('hello')}, `${place.root}/a b`, {
			mode: 0o4750,
		});
		t.deepEqual(report, {digest: `sha256:${sha256(Buffer.from('hello'))}`, sizeBytes: 5, sentBytes: 5});
		t.is(place.read('a b')?.toString(), 'hello');
		t.is(place.mode('a b'), 0o4750);
		t.deepEqual(place.names(), ['a b']);
	});

	test(`${where} is not sent what it has, and gets the mode all the same`, async t => {
		const place = open(t);
		for (const bytes of [Buffer.from('small'), large]) {
			await uploadFile(place.transport, {bytes}, `${place.root}/x`, {mode: 0o644});
			const events: SealEvent[] = [];
			const options = {mode: 0o600, onEvent: (event: SealEvent) => void events.push(event)};
			const report = await uploadFile(place.transport, {bytes}, `${place.root}/x`, options);
			t.is(report.sentBytes, 0);
			t.is(place.mode('x'), 0o600);
			t.true(events.some(event => event.type === 'blob.skipped'));
		}
	});

	test(`${where} gets the rest of a file whose upload broke off`, async t => {
		const place = open(t);
		const broken: UploadSource = {
			sizeBytes: large.length,
			digest: `sha256:${sha256(large)}`,
			async *read() {
				yield large.subarray(0, 17 * mebibyte);
				await new Promise(resolve => setTimeout(resolve, 400));
				throw new Error('the operator fell asleep');
			},
		};
		const path = `${place.root}/big`;
		await t.throwsAsync(uploadFile(place.transport, broken, path), {message: 'the operator fell asleep'});
		t.is(place.names().length, 1, 'what came is kept');
		const report = await uploadFile(place.transport, {bytes: large}, path);
		t.is(report.sentBytes, large.length - 16 * mebibyte);
		t.true(place.read('big')?.equals(large));
		t.deepEqual(place.names(), ['big']);
	});

	test(`${where} keeps nothing of an upload that is aborted`, async t => {
		const place = open(t);
		const stop = new AbortController();
		const source: UploadSource = {
			sizeBytes: large.length,
			digest: `sha256:${sha256(large)}`,
			async *read() {
				yield large.subarray(0, mebibyte);
				setTimeout(() => stop.abort(new Error('enough')), 50);
				await new Promise(resolve => setTimeout(resolve, 200));
				yield large.subarray(mebibyte);
			},
		};
		await t.throwsAsync(uploadFile(place.transport, source, `${place.root}/big`, {signal: stop.signal}), {
			message: 'enough',
		});
		t.deepEqual(place.names(), []);
	});

	test(`${where} refuses a source that is not what was announced`, async t => {
		const place = open(t);
		const digest: Digest = `sha256:${sha256(Buffer.from('other'))}`;
		for (const sizeBytes of [5, 6]) {
			const source = {
				sizeBytes,
				digest,
				read: async function* () {
					yield Buffer.from('hello');
				},
			};
			const error = await t.throwsAsync(uploadFile(place.transport, source, `${place.root}/x`));
			t.true(hasCode(error, 'ERR_CONTENT_DIGEST'));
			t.false(place.names().includes('x'));
		}
	});

	test(`${where} is told a name in a folder, and folders to make`, async t => {
		const place = open(t);
		const bytes = Buffer.from('x');
		await uploadFile(place.transport, {bytes}, `${place.root}/new/sub/x`, {makeFolders: true});
		await uploadFile(place.transport, {bytes}, `${place.root}/new`, {nameInFolder: 'named'});
		t.is(place.read('new/sub/x')?.toString(), 'x');
		t.is(place.read('new/named')?.toString(), 'x');
		await fails(t, place, `${place.root}/new`, {}, 'ERR_IO', /it is a folder/);
		await fails(t, place, `${place.root}/absent/x`, {}, 'ERR_IO', /there is no such file or folder/);
	});

	test(`a file comes from ${where} with its mode`, async t => {
		const place = open(t);
		const target = join(tempDir(t), 'got');
		for (const content of [Buffer.from('hello'), large, Buffer.alloc(0)]) {
			place.put('x', content);
			const report = await downloadFile(place.transport, `${place.root}/x`, target);
			t.deepEqual(report, {
				digest: `sha256:${sha256(content)}`,
				sizeBytes: content.length,
				receivedBytes: content.length,
			});
			t.true(readFileSync(target).equals(content));
			t.is(statSync(target).mode & 0o777, 0o644);
		}
	});

	test(`what cannot come from ${where} is told`, async t => {
		const place = open(t);
		const folder = tempDir(t);
		const target = join(folder, 'got');
		const code = async (path: string, options = {}): Promise<unknown> =>
			((await t.throwsAsync(downloadFile(place.transport, path, target, options))) as {code?: unknown}).code;
		t.is(await code(`${place.root}/absent`), 'ERR_IO');
		t.is(await code(place.root), 'ERR_IO');
		place.put('x', large);
		t.is(await code(`${place.root}/x`, {maxBytes: 1000}), 'ERR_CONTENT_SIZE');
		t.deepEqual(
			readdirSync(folder).filter(name => name === 'got'),
			[],
		);
	});
}

test('a file that is cut off by a lost connection goes on where it stood', async t => {
	const host = createFakeHost({files: {'/srv': {folder: true}}});
	host.cutInputAfter(17 * mebibyte);
	t.true(hasCode(await t.throwsAsync(uploadFile(host.transport, {bytes: large}, '/srv/big')), 'ERR_HOST_LOST'));
	const report = await uploadFile(host.transport, {bytes: large}, '/srv/big');
	t.is(report.sentBytes, 4 * mebibyte);
	t.deepEqual(host.files.list(), ['/srv/big']);
});

test('a full disk is told before a large file is sent, and while a small one is', async t => {
	const host = createFakeHost({files: {'/srv': {folder: true}}});
	host.files.freeBytes = 1000;
	for (const bytes of [large, Buffer.alloc(2000)]) {
		t.true(hasCode(await t.throwsAsync(uploadFile(host.transport, {bytes}, '/srv/x')), 'ERR_NO_SPACE'));
		t.deepEqual(host.files.list(), []);
	}
	t.is(host.calls.length, 2);
});

test('a read-only disk is told', async t => {
	const host = createFakeHost();
	host.files.readOnly = true;
	t.true(hasCode(await t.throwsAsync(uploadFile(host.transport, {bytes: Buffer.of(1)}, '/x')), 'ERR_READ_ONLY'));
});

test('a file of this machine is sent with its own mode', async t => {
	const folder = tempDir(t);
	writeFileSync(join(folder, 'run'), '#!/bin/sh\n');
	chmodSync(join(folder, 'run'), 0o755);
	await uploadFile(createLocalTransport(), {file: join(folder, 'run')}, join(folder, 'copy'));
	t.is(statSync(join(folder, 'copy')).mode & 0o7777, 0o755);
	t.true(hasCode(await t.throwsAsync(uploadFile(createLocalTransport(), {file: folder}, '/x')), 'ERR_IO'));
});

test('a link under the name of an unfinished file is not written through', async t => {
	const folder = tempDir(t);
	const transport = createLocalTransport();
	const path = join(folder, 'x');
	writeFileSync(join(folder, 'victim'), 'untouched');
	const id = sha256(Buffer.from(`${path}\0`)).slice(0, 16);
	symlinkSync(join(folder, 'victim'), join(folder, `.sealimage-part-${id}`));
	await uploadFile(transport, {bytes: large}, path);
	t.is(readFileSync(join(folder, 'victim'), 'utf8'), 'untouched');
	t.true(readFileSync(path).equals(large));
});

test('a link in place of the file is replaced, not followed', async t => {
	const folder = tempDir(t);
	writeFileSync(join(folder, 'victim'), 'untouched');
	symlinkSync('victim', join(folder, 'x'));
	await uploadFile(createLocalTransport(), {bytes: Buffer.from('new')}, join(folder, 'x'));
	t.is(readFileSync(join(folder, 'victim'), 'utf8'), 'untouched');
	t.is(readFileSync(join(folder, 'x'), 'utf8'), 'new');
});

test('a path that begins with a hyphen is a path', async t => {
	const folder = tempDir(t);
	const transport = createLocalTransport();
	mkdirSync(join(folder, '-d'));
	const inFolder: Transport = {
		...transport,
		spawn: (argv, options) => transport.spawn(argv, {...options, cwd: folder}),
	};
	await uploadFile(inFolder, {bytes: Buffer.from('x')}, '-d/-f');
	t.is(readFileSync(join(folder, '-d/-f'), 'utf8'), 'x');
});

test('a download goes on where it stood, and starts anew when the file has changed', async t => {
	const host = createFakeHost({files: {'/x': large}});
	const folder = tempDir(t);
	const target = join(folder, 'x');
	host.once(call => call.argv[3] === 'sealimage-download', {stdout: large.subarray(0, 10 * mebibyte), lost: true});
	t.true(hasCode(await t.throwsAsync(downloadFile(host.transport, '/x', target)), 'ERR_HOST_LOST'));
	t.is((await downloadFile(host.transport, '/x', target)).receivedBytes, 10 * mebibyte);
	const other = Buffer.from(large).fill(7, 0, 10);
	host.once(call => call.argv[3] === 'sealimage-download', {stdout: large.subarray(0, 10 * mebibyte), lost: true});
	await t.throwsAsync(downloadFile(host.transport, '/x', target));
	host.files.set('/x', other);
	t.is((await downloadFile(host.transport, '/x', target)).receivedBytes, large.length);
	t.true(readFileSync(target).equals(other));
	t.deepEqual(readdirSync(folder), ['x']);
});

test('a host that lies about the digest of a file is refused', async t => {
	const host = createFakeHost();
	const target = join(tempDir(t), 'x');
	host.on(call => call.argv[3] === 'sealimage-download', {
		stdout: 'hello',
		stderr: `sealimage size 5 from 0 mode 644\nsealimage digest ${sha256(Buffer.from('other'))}\n`,
	});
	t.true(hasCode(await t.throwsAsync(downloadFile(host.transport, '/x', target)), 'ERR_CONTENT_DIGEST'));
});

async function fails(
	t: ExecutionContext,
	place: Place,
	path: string,
	options: UploadOptions,
	code: ErrorCode,
	message: RegExp,
): Promise<void> {
	const error = await t.throwsAsync(uploadFile(place.transport, {bytes: Buffer.from('x')}, path, options), {message});
	t.true(hasCode(error, code));
}
