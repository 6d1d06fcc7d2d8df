import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../../lib/core/bytes.js';
import type {SealError} from '../../../../lib/core/errors.js';
import {digestOf} from '../../../../lib/oci/digest.js';
import {createUploads, type UploadSessions} from '../../../../lib/registry/storage/uploads/uploads.js';
import {tempDir} from '../../../helpers/temp-dir.js';

interface Setting {
	readonly uploads: UploadSessions;
	readonly folder: string;
	/** Content of what was placed, by digest. */
	readonly placed: Map<string, Buffer>;
	again(): UploadSessions;
}

function setUp(t: ExecutionContext): Setting {
	const root = tempDir(t);
	const folder = join(root, 'uploads');
	const placed = new Map<string, Buffer>();
	const again = (): UploadSessions =>
		createUploads({
			folder,
			durability: 'full',
			async place(_repository, digest, file) {
				const path = join(root, digest.replace(':', '-'));
				renameSync(file.path, path);
				placed.set(digest, readFileSync(path));
				return {digest, sizeBytes: file.sizeBytes, path, read: async () => oneChunk(readFileSync(path))};
			},
		});
	return {uploads: again(), folder, placed, again};
}

test('chunks in order become a blob, and nothing of the upload stays', async t => {
	const {uploads, folder, placed} = setUp(t);
	const {id, sizeBytes} = await uploads.start('a/b');
	t.is(sizeBytes, 0);
	t.regex(id, /^[0-9a-f]{32}$/);
	t.is((await uploads.append('a/b', id, oneChunk(Buffer.from('one ')), {offset: 0})).sizeBytes, 4);
	t.is((await uploads.append('a/b', id, oneChunk(Buffer.from('two')), {offset: 4})).sizeBytes, 7);
	t.is((await uploads.status('a/b', id))?.sizeBytes, 7);
	t.is(await uploads.count(), 1);
	const digest = digestOf('one two');
	t.like(await uploads.finish('a/b', id, digest), {digest, sizeBytes: 7});
	t.is(placed.get(digest)?.toString(), 'one two');
	t.deepEqual(readdirSync(folder), []);
	t.is(await uploads.status('a/b', id), undefined);
	t.is(await uploads.count(), 0);
	await uploads.close();
});

test('an upload goes on where it was after a restart, and its digest is right', async t => {
	const {uploads, placed, again} = setUp(t);
	const {id, startedAt} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('before ')));
	const later = again();
	t.like(await later.status('x', id), {id, repository: 'x', sizeBytes: 7, startedAt});
	await later.append('x', id, oneChunk(Buffer.from('after')), {offset: 7});
	await later.finish('x', id, digestOf('before after'));
	t.is(placed.get(digestOf('before after'))?.toString(), 'before after');
	await uploads.close();
	await later.close();
});

test('two processes that append in turn make one whole', async t => {
	const {uploads, placed, again} = setUp(t);
	const other = again();
	const {id} = await uploads.start('x');
	for (const [i, who] of [uploads, other, uploads, other].entries())
		await who.append('x', id, oneChunk(Buffer.from(`${i}`)), {offset: i});
	await uploads.finish('x', id, digestOf('0123'));
	t.is(placed.get(digestOf('0123'))?.toString(), '0123');
	await t.throwsAsync(other.append('x', id, oneChunk(Buffer.from('4'))), {code: 'ERR_UPLOAD_UNKNOWN'});
	await uploads.close();
	await other.close();
});

test('a chunk at another offset is refused with the right one, and changes nothing', async t => {
	const {uploads} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	for (const offset of [0, 2, 4]) {
		const error = await t.throwsAsync<SealError>(uploads.append('x', id, oneChunk(Buffer.from('d')), {offset}), {
			code: 'ERR_UPLOAD_OFFSET',
		});
		t.is(error?.details.sizeBytes, 3);
	}
	t.is((await uploads.status('x', id))?.sizeBytes, 3);
	await uploads.close();
});

test('one request appends at a time', async t => {
	const {uploads} = setUp(t);
	const {id} = await uploads.start('x');
	let release = (): void => undefined;
	const held = new Promise<void>(resolve => {
		release = resolve;
	});
	const slow = async function* (): AsyncGenerator<Uint8Array> {
		yield Buffer.from('slow');
		await held;
	};
	const first = uploads.append('x', id, slow());
	await t.throwsAsync(uploads.append('x', id, oneChunk(Buffer.from('x'))), {code: 'ERR_UPLOAD_BUSY'});
	await t.throwsAsync(uploads.finish('x', id, digestOf('')), {code: 'ERR_UPLOAD_BUSY'});
	await t.throwsAsync(uploads.cancel('x', id), {code: 'ERR_UPLOAD_BUSY'});
	t.is(await uploads.sweep(0), 0);
	release();
	t.is((await first).sizeBytes, 4);
	await uploads.close();
});

test('what came through before a cut is kept', async t => {
	const {uploads, placed} = setUp(t);
	const {id} = await uploads.start('x');
	const cut = async function* (): AsyncGenerator<Uint8Array> {
		yield Buffer.alloc(1_500_000, 1);
		yield Buffer.alloc(100, 2);
		throw new Error('the connection broke');
	};
	await t.throwsAsync(uploads.append('x', id, cut()), {message: 'the connection broke'});
	t.is((await uploads.status('x', id))?.sizeBytes, 1_500_100);
	await uploads.append('x', id, oneChunk(Buffer.from('end')), {offset: 1_500_100});
	const whole = Buffer.concat([Buffer.alloc(1_500_000, 1), Buffer.alloc(100, 2), Buffer.from('end')]);
	await uploads.finish('x', id, digestOf(whole));
	t.true(placed.get(digestOf(whole))?.equals(whole));
	await uploads.close();
});

test('many small and large chunks arrive in order', async t => {
	const {uploads, placed} = setUp(t);
	const {id} = await uploads.start('x');
	const chunks = Array.from({length: 3000}, (_, i) => Buffer.alloc((i * 7919) % 4000, i));
	chunks.push(Buffer.alloc(3_000_000, 9));
	const stream = async function* (): AsyncGenerator<Uint8Array> {
		yield* chunks;
	};
	const whole = Buffer.concat(chunks);
	t.is((await uploads.append('x', id, stream())).sizeBytes, whole.length);
	await uploads.finish('x', id, digestOf(whole));
	t.true(placed.get(digestOf(whole))?.equals(whole));
	await uploads.close();
});

test('a wrong digest ends the upload', async t => {
	const {uploads, folder, placed} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	const error = await t.throwsAsync<SealError>(uploads.finish('x', id, digestOf('abd')), {code: 'ERR_CONTENT_DIGEST'});
	t.is(error?.details.found, digestOf('abc'));
	t.is(placed.size, 0);
	t.deepEqual(readdirSync(folder), []);
	await t.throwsAsync(uploads.finish('x', id, digestOf('abc')), {code: 'ERR_UPLOAD_UNKNOWN'});
	await uploads.close();
});

test('sha512 is computed while it comes when announced, and afterwards when not', async t => {
	const {uploads, placed} = setUp(t);
	const digest = digestOf('abc', 'sha512');
	for (const algorithm of ['sha512', 'sha256'] as const) {
		const {id} = await uploads.start('x', {algorithm});
		await uploads.append('x', id, oneChunk(Buffer.from('abc')));
		await uploads.finish('x', id, digest);
		t.is(placed.get(digest)?.toString(), 'abc');
		placed.clear();
	}
	await uploads.close();
});

test('an upload without bytes is the empty blob', async t => {
	const {uploads, placed} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.finish('x', id, digestOf(''));
	t.is(placed.get(digestOf(''))?.length, 0);
	await uploads.close();
});

test('ids that are none, and uploads of other repositories, are unknown', async t => {
	const {uploads} = setUp(t);
	const {id} = await uploads.start('x');
	for (const [repository, wrong] of [
		['y', id],
		['x', id.replace(/^./, digit => (digit === '0' ? '1' : '0'))],
		['x', '../../etc/passwd'],
		['x', ''],
	] as const) {
		t.is(await uploads.status(repository, wrong), undefined);
		t.false(await uploads.cancel(repository, wrong));
		await t.throwsAsync(uploads.append(repository, wrong, oneChunk(Buffer.from('x'))), {code: 'ERR_UPLOAD_UNKNOWN'});
		await t.throwsAsync(uploads.finish(repository, wrong, digestOf('')), {code: 'ERR_UPLOAD_UNKNOWN'});
	}
	t.true(await uploads.cancel('x', id));
	t.false(await uploads.cancel('x', id));
	await uploads.close();
});

test('more than the limit is refused, and the offset stays right', async t => {
	const {uploads} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abcd')), {limitBytes: 5});
	await t.throwsAsync(uploads.append('x', id, oneChunk(Buffer.from('ef')), {limitBytes: 5}), {
		code: 'ERR_CONTENT_SIZE',
	});
	t.is((await uploads.status('x', id))?.sizeBytes, 4);
	t.is((await uploads.append('x', id, oneChunk(Buffer.from('e')), {limitBytes: 5, offset: 4})).sizeBytes, 5);
	await uploads.close();
});

test('uploads that nobody touches are swept, with what belongs to none', async t => {
	const {uploads, folder, again} = setUp(t);
	const idle = await uploads.start('x');
	await uploads.append('x', idle.id, oneChunk(Buffer.from('abc')));
	const fresh = await uploads.start('x');
	writeFileSync(join(folder, `${'0'.repeat(32)}.data`), 'rest');
	writeFileSync(join(folder, `${'1'.repeat(32)}.json`), '{"repository":');
	const hourAgo = new Date(Date.now() - 3_600_000);
	for (const name of readdirSync(folder))
		if (!name.startsWith(fresh.id)) utimesSync(join(folder, name), hourAgo, hourAgo);
	const later = again();
	t.is(await later.sweep(60_000), 2);
	t.deepEqual(readdirSync(folder).toSorted(), [`${fresh.id}.data`, `${fresh.id}.json`]);
	await t.throwsAsync(uploads.append('x', idle.id, oneChunk(Buffer.from('d'))), {code: 'ERR_UPLOAD_UNKNOWN'});
	await uploads.close();
	await later.close();
});

test('a reader that opened the growing file reads on after it became a blob', async t => {
	const {uploads} = setUp(t);
	const upload = await uploads.start('x');
	t.true(existsSync(upload.path));
	await uploads.append('x', upload.id, oneChunk(Buffer.from('abc')));
	t.is(readFileSync(upload.path, 'utf8'), 'abc');
	await uploads.close();
});

test('an abort keeps what was written', async t => {
	const {uploads} = setUp(t);
	const {id} = await uploads.start('x');
	const stop = new AbortController();
	const stream = async function* (): AsyncGenerator<Uint8Array> {
		yield Buffer.from('abc');
		stop.abort(new Error('enough'));
		yield Buffer.from('def');
	};
	await t.throwsAsync(uploads.append('x', id, stream(), {signal: stop.signal}), {message: 'enough'});
	t.is((await uploads.status('x', id))?.sizeBytes, 3);
	await uploads.close();
});

test('hundreds of uploads at once keep no more than some files open, and all end well', async t => {
	const {uploads, placed} = setUp(t);
	const begun = await Promise.all(Array.from({length: 300}, () => uploads.start('x')));
	await Promise.all(begun.map(({id}, i) => uploads.append('x', id, oneChunk(Buffer.from(`${i}:`)))));
	await Promise.all(begun.map(({id}, i) => uploads.append('x', id, oneChunk(Buffer.from(`${i}`)))));
	await Promise.all(begun.map(({id}, i) => uploads.finish('x', id, digestOf(`${i}:${i}`))));
	t.is(placed.size, 300);
	await uploads.close();
});

test('late bytes of a request to another process never get into a blob', async t => {
	const {uploads, placed, again} = setUp(t);
	const other = again();
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	let release = (): void => undefined;
	const held = new Promise<void>(resolve => {
		release = resolve;
	});
	const slow = async function* (): AsyncGenerator<Uint8Array> {
		await held;
		yield Buffer.from('late');
	};
	const late = uploads.append('x', id, slow());
	const blob = await other.finish('x', id, digestOf('abc'));
	release();
	await t.throwsAsync(late, {code: 'ERR_UPLOAD_BUSY'});
	t.is(readFileSync(blob.path!, 'utf8'), 'abc');
	t.is(placed.size, 1);
	await uploads.close();
	await other.close();
});

test('an upload that was taken over is the business of the other process', async t => {
	const {uploads, placed, again} = setUp(t);
	const other = again();
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	await other.append('x', id, oneChunk(Buffer.from('def')), {offset: 3});
	t.is((await uploads.status('x', id))?.sizeBytes, 6);
	await uploads.append('x', id, oneChunk(Buffer.from('ghi')), {offset: 6});
	await other.finish('x', id, digestOf('abcdefghi'));
	t.is(placed.get(digestOf('abcdefghi'))?.toString(), 'abcdefghi');
	t.is(await uploads.status('x', id), undefined);
	await uploads.close();
	await other.close();
});

test('an upload whose process died while it became a blob goes on', async t => {
	const {uploads, folder, placed, again} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	await uploads.close();
	const state = JSON.parse(readFileSync(join(folder, `${id}.json`), 'utf8')) as {owner: object};
	// No process has this id: the kernel's limit is 2^22.
	writeFileSync(join(folder, `${id}.json`), JSON.stringify({...state, owner: {...state.owner, pid: 1 << 30}}));
	renameSync(join(folder, `${id}.data`), join(folder, `${id}.sealed`));
	const later = again();
	t.is((await later.append('x', id, oneChunk(Buffer.from('d')), {offset: 3})).sizeBytes, 4);
	await later.finish('x', id, digestOf('abcd'));
	t.is(placed.get(digestOf('abcd'))?.toString(), 'abcd');
	t.deepEqual(readdirSync(folder), []);
	await later.close();
});

test('an upload whose content cannot become a blob can be finished again', async t => {
	const folder = join(tempDir(t), 'uploads');
	let isFull = true;
	const uploads = createUploads({
		folder,
		durability: 'none',
		async place(_repository, digest, {path, sizeBytes}) {
			if (isFull) throw new Error('the disk is full');
			renameSync(path, join(folder, 'blob'));
			return {digest, sizeBytes, read: async () => oneChunk(Buffer.from('abc'))};
		},
	});
	const {id} = await uploads.start('x');
	await uploads.append('x', id, oneChunk(Buffer.from('abc')));
	await t.throwsAsync(uploads.finish('x', id, digestOf('abc')), {message: 'the disk is full'});
	t.is((await uploads.status('x', id))?.sizeBytes, 3);
	isFull = false;
	t.is((await uploads.finish('x', id, digestOf('abc'))).sizeBytes, 3);
	await uploads.close();
});

test('a full disk is ERR_NO_SPACE, and the upload goes on at the right offset when there is room', async t => {
	const {folder, placed, again} = setUp(t);
	const program = join(process.cwd(), '.build/test/fixtures/processes/limited-uploads.js');
	// A limit on the size of files (in KiB) fails writes as a full disk does, without one.
	const script = 'ulimit -f 2500; trap "" XFSZ; exec "$0" "$@"';
	const answer = execFileSync('sh', ['-c', script, process.execPath, program, folder], {encoding: 'utf8'});
	const {id, code, kept} = JSON.parse(answer) as {id: string; code: string; kept: number};
	t.is(code, 'ERR_NO_SPACE');
	t.true(kept >= 1_000_000 && kept < 2_560_000);
	const later = again();
	const whole = Buffer.concat([Buffer.alloc(1_000_000, 1), Buffer.alloc(3_000_000, 2)]);
	await later.append('x', id, oneChunk(whole.subarray(kept)), {offset: kept});
	await later.finish('x', id, digestOf(whole));
	t.true(placed.get(digestOf(whole))?.equals(whole));
	await later.close();
});

test('an upload that was given up a week ago goes when another one begins', async t => {
	const {uploads, folder, again} = setUp(t);
	const {id} = await uploads.start('x');
	await uploads.close();
	for (const [days, there] of [
		[6, true],
		[8, false],
	] as const) {
		const then = new Date(Date.now() - days * 86_400_000);
		for (const name of readdirSync(folder)) if (name.startsWith(id)) utimesSync(join(folder, name), then, then);
		const later = again();
		await later.cancel('x', (await later.start('x')).id);
		await later.close();
		t.is((await later.status('x', id)) !== undefined, there);
	}
});
