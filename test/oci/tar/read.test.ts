import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import {isSealError} from '../../../lib/core/errors.js';
import type {EntryHeader} from '../../../lib/oci/entry.js';
import {indexTar, isTarHeader, readTar} from '../../../lib/oci/tar/read.js';
import {formatHeader} from '../../../lib/oci/tar/write.js';
import {header} from '../../helpers/entries.js';
import {chunked, fixture, readAll} from './fixture.js';

const time = {mtime: 1_700_000_000};

const reads = test.macro({
	async exec(t, name: string, expected: ReadonlyArray<readonly [EntryHeader, string]>) {
		for (const chunkBytes of [1_000_000, 512, 700, 7]) {
			const entries = await readAll(chunked(fixture(name), chunkBytes));
			t.deepEqual(
				entries.map(entry => [entry.header, entry.content.toString()] as const),
				expected,
			);
		}
	},
	title: (title = '', name) => `${name}.tar: ${title}`,
});

test('GNU long names are read', reads, 'gnu-long-name', [
	[header(`${'d/'.repeat(60)}name-${'x'.repeat(120)}`, {...time, size: 2}), 'hi'],
]);
test('GNU long link targets are read', reads, 'gnu-long-link', [
	[header('l', {...time, type: 'symlink', linkname: 't'.repeat(150)}), ''],
]);
test('base-256 owners and times before 1970 are read', reads, 'gnu-base-256', [
	[header('owner', {...time, uid: 4_294_967_294, gid: 3_000_000, size: 1}), 'x'],
	[header('old', {mtime: -86_400}), ''],
]);
test('the USTAR prefix belongs to the name', reads, 'ustar-prefix', [
	[header(`${'p'.repeat(80)}/${'q'.repeat(90)}`, {...time, size: 2}), 'hi'],
]);
test('PAX records replace fields of the next entry only', reads, 'pax-local', [
	[
		header('ünï', {
			...time,
			mtimeNsec: 123_456_700,
			uid: 4_294_967_294,
			size: 2,
			xattrs: {'user.note': Buffer.from('a=b')},
		}),
		'hi',
	],
	[header('plain', time), ''],
]);
test('a global PAX header gives times to all, but no names', reads, 'pax-global', [
	[header('a', {mtime: 1_234_567_890, mtimeNsec: 500_000_000, size: 1}), '1'],
	[header('b', {mtime: 1_234_567_890, mtimeNsec: 500_000_000}), ''],
]);
test('devices have numbers and pipes have none', reads, 'devices', [
	[header('null', {...time, type: 'character', mode: 0o666, devmajor: 1, devminor: 3}), ''],
	[header('loop', {...time, type: 'block', devmajor: 7, devminor: 1}), ''],
	[header('pipe', {...time, type: 'fifo'}), ''],
]);
test('links keep their targets and files their setuid bit', reads, 'links', [
	[header('a', {...time, mode: 0o4755, size: 2}), 'hi'],
	[header('b', {...time, type: 'hardlink', linkname: 'a'}), ''],
	[header('c', {...time, type: 'symlink', linkname: '/abs/x'}), ''],
]);
test('paths are normalised and the root is the empty path', reads, 'leading', [
	[header('', {...time, type: 'directory', mode: 0o755}), ''],
	[header('a', {...time, type: 'directory'}), ''],
	[header('a/b', time), ''],
	[header('a/d', time), ''],
]);
test('a newline is part of a name', reads, 'newline', [[header('a\nb', {...time, size: 1}), 'x']]);
test('bytes that are no UTF-8 are kept', reads, 'latin1', [[header('caf\udce9', time), '']]);
test('V7 has directories by slash and numbers among spaces', reads, 'v7', [
	[header('dir', {type: 'directory', mtime: 1_000_000_000}), ''],
	[header('dir/file', {mtime: 1_000_000_000, size: 5}), 'hello'],
]);
test('a checksum over signed characters is accepted', reads, 'signed-checksum', [
	[header('caf\udce9-\udcff\udcfe', {mtime: 1_000_000_000, size: 1}), 'x'],
]);

const sparse = (): string => {
	const bytes = Buffer.alloc(65_536);
	bytes.fill('A', 8192, 8192 + 4096);
	bytes.fill('B', 32_768, 32_868);
	return bytes.toString();
};
const manyPieces = (): string => {
	const bytes = Buffer.alloc(6 * 65_536);
	for (let i = 0; i < 6; i++) bytes.fill(`0${i}`, i * 65_536, i * 65_536 + 4096);
	return bytes.toString();
};
const sparseHeader = header('sparse', {...time, size: 65_536});
test('old GNU sparse files are filled up', reads, 'sparse-gnu', [
	[sparseHeader, sparse()],
	[header('many', {...time, size: 6 * 65_536}), manyPieces()],
]);
for (const version of ['0.0', '0.1', '1.0'])
	test(`sparse files of version ${version} are filled up`, reads, `sparse-pax-${version}`, [[sparseHeader, sparse()]]);

/** Writes octal or text into a header and mends its checksum. */
function forge(bytes: Buffer, at: number, text: string | Buffer): Buffer {
	const forged = Buffer.from(bytes);
	forged.set(Buffer.from(text), at);
	forged.fill(0x20, 148, 156);
	const sum = forged.subarray(0, 512).reduce((total, byte) => total + byte, 0);
	forged.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return forged;
}

const end = Buffer.alloc(1024);
const block = (fields: Partial<EntryHeader> = {}): Buffer => formatHeader(header('name', fields));
const record = (key: string, value: string): string => {
	const rest = key.length + value.length + 3;
	const length = rest + String(rest + 2).length;
	return `${length} ${key}=${value}\n`;
};
const pax = (text: string): Buffer => {
	const size = Buffer.byteLength(text);
	const extension = forge(formatHeader(header('x', {size})), 156, 'x');
	return Buffer.concat([extension, Buffer.from(text), Buffer.alloc((512 - (size % 512)) % 512)]);
};

async function refuses(t: ExecutionContext, archive: Uint8Array, code: string, message: RegExp): Promise<void> {
	const error = await t.throwsAsync(readAll(oneChunk(archive)));
	t.true(isSealError(error) && error.code === code, String(error));
	t.regex(String(error?.message), message);
}

const refused = test.macro({
	exec: (t, archive: Buffer, code: string, message: RegExp) => refuses(t, archive, code, message),
	title: (title = '') => `${title} is refused`,
});

test('a path that leaves the root', refused, fixture('dot-dot'), 'ERR_UNSAFE_PATH', /leaves its root/);
test('a wrong checksum', refused, Buffer.alloc(512, 'x'), 'ERR_TAR_FORMAT', /wrong checksum/);
test('a size below zero', refused, forge(block(), 124, Buffer.alloc(12, 0xff)), 'ERR_TAR_FORMAT', /negative size/);
test(
	'a size that no number holds',
	refused,
	forge(block(), 124, Buffer.from([0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
	'ERR_TAR_FORMAT',
	/size is no number/,
);
test('a size with a letter', refused, forge(block(), 124, '0000000000z\0'), 'ERR_TAR_FORMAT', /size is no number/);
test('an owner below zero', refused, forge(block(), 108, Buffer.alloc(8, 0xff)), 'ERR_TAR_FORMAT', /the owner -1/);
test('content that is missing', refused, block({size: 1000}), 'ERR_TAR_FORMAT', /ends in the middle/);
test('half a header', refused, block().subarray(0, 300), 'ERR_TAR_FORMAT', /ends in the middle/);
test('a PAX header without its entry', refused, pax('11 path=ab\n'), 'ERR_TAR_FORMAT', /ends in the middle/);
test(
	'a PAX header of 4 GiB',
	refused,
	forge(forge(block(), 156, 'x'), 124, '40000000000\0'),
	'ERR_TAR_LIMIT',
	/4294967296 bytes/,
);
test(
	'a long name of 4 GiB',
	refused,
	forge(forge(block(), 156, 'L'), 124, '40000000000\0'),
	'ERR_TAR_LIMIT',
	/4294967296 bytes/,
);
test('a PAX record that lies about its length', refused, pax('99 path=ab\n'), 'ERR_TAR_FORMAT', /damaged PAX/);
test('a PAX record without a length', refused, pax('path=ab\n'), 'ERR_TAR_FORMAT', /damaged PAX/);
test('a PAX record of length 0', refused, pax('0 path=ab\n'), 'ERR_TAR_FORMAT', /damaged PAX/);
test('a NUL in a PAX name', refused, Buffer.concat([pax('12 path=a\0b\n'), block()]), 'ERR_TAR_FORMAT', /NUL/);
test(
	'a PAX time that is no number',
	refused,
	Buffer.concat([pax('13 mtime=abc\n'), block()]),
	'ERR_TAR_FORMAT',
	/time "abc"/,
);
test(
	'a PAX size that is no number',
	refused,
	Buffer.concat([pax('11 size=-1\n'), block()]),
	'ERR_TAR_FORMAT',
	/the size "-1"/,
);
test('an unknown type', refused, forge(block(), 156, 'M'), 'ERR_TAR_FORMAT', /unknown type "M"/);
test('a link to nowhere', refused, forge(block(), 156, '2'), 'ERR_TAR_FORMAT', /links to nowhere/);
test('a file without a name', refused, forge(block(), 0, Buffer.alloc(4)), 'ERR_TAR_FORMAT', /without a name/);
test(
	'data after one block of zeros',
	refused,
	Buffer.concat([block(), end.subarray(512), block()]),
	'ERR_TAR_FORMAT',
	/after the mark of its end/,
);
const sparseFile = (map: string, sizeBytes: number, storedBytes: number): Buffer =>
	Buffer.concat([
		pax(record('GNU.sparse.map', map) + record('GNU.sparse.size', String(sizeBytes))),
		block({size: storedBytes}),
		Buffer.alloc(storedBytes),
		end,
	]);
test('a sparse map that overlaps', refused, sparseFile('0,512,256,512', 999, 1024), 'ERR_TAR_FORMAT', /overlap/);
test('a sparse map beyond its file', refused, sparseFile('0,512', 100, 512), 'ERR_TAR_FORMAT', /beyond the 100 bytes/);
test('a sparse map with half a piece', refused, sparseFile('0,512,9', 999, 512), 'ERR_TAR_FORMAT', /middle of a piece/);
test(
	'a sparse map that promises more than there is',
	refused,
	sparseFile('0,10000', 10_000, 512),
	'ERR_TAR_FORMAT',
	/promises 10000 bytes, the archive holds 512/,
);
test('a sparse file of 2 TiB', refused, sparseFile('0,512', 2 ** 41, 512), 'ERR_TAR_LIMIT', /more than 1 TiB/);
test('a sparse map of letters', refused, sparseFile('a,b', 10, 512), 'ERR_TAR_FORMAT', /holds "a" where a number/);
const mapInData = (map: string): Buffer =>
	Buffer.concat([
		pax(record('GNU.sparse.major', '1') + record('GNU.sparse.realsize', '10')),
		block({size: 512}),
		Buffer.from(map.padEnd(512, '\0')),
		end,
	]);
test('a sparse map of a billion pieces', refused, mapInData('1000000000\n'), 'ERR_TAR_LIMIT', /too many pieces/);
test('a sparse map longer than its file', refused, mapInData('90\n'), 'ERR_TAR_FORMAT', /number|shorter than its map/);
test(
	'an unknown version of sparse files',
	refused,
	pax(record('GNU.sparse.major', '2')),
	'ERR_TAR_FORMAT',
	/version 2/,
);

test('a path longer than any kernel takes is refused', async t => {
	const path = 'p/'.repeat(20_000);
	await refuses(t, Buffer.concat([formatHeader(header(path.slice(0, -1))), end]), 'ERR_TAR_LIMIT', /path of/);
});

test('more entries than allowed are refused', async t => {
	const archive = Buffer.concat([block(), block(), block(), end]);
	t.is((await readAll(oneChunk(archive), {limitEntries: 3})).length, 3);
	await t.throwsAsync(readAll(oneChunk(archive), {limitEntries: 2}), {code: 'ERR_TAR_LIMIT'});
});

test('attributes that would fill memory are refused', async t => {
	const attribute = pax(record('SCHILY.xattr.user.a', 'x'.repeat(1_000_000)));
	const archive = async function* () {
		for (let i = 0; i < 300; i++) yield Buffer.concat([attribute, block()]);
	};
	await t.throwsAsync(indexTar(archive()), {code: 'ERR_TAR_LIMIT', message: /256 MiB/});
});

test('what follows the end is ignored', async t => {
	const archive = Buffer.concat([block(), end, Buffer.alloc(5000, 'garbage')]);
	t.is((await readAll(oneChunk(archive))).length, 1);
});

test('an archive without its end marks is read', async t => {
	t.is((await readAll(oneChunk(block()))).length, 1);
	t.is((await readAll(oneChunk(Buffer.concat([block(), end.subarray(512)])))).length, 1);
	t.deepEqual(await readAll(oneChunk(Buffer.alloc(0))), []);
});

test('a hard link whose target leaves the root is scoped to it', async t => {
	const archive = formatHeader(header('l', {type: 'hardlink', linkname: '../../../etc/passwd'}));
	t.is((await readAll(oneChunk(archive)))[0]?.header.linkname, 'etc/passwd');
});

test('several entries of one path are all told, in order', async t => {
	const archive = Buffer.concat([block({mode: 0o600}), block({mode: 0o644}), end]);
	t.deepEqual(
		(await readAll(oneChunk(archive))).map(entry => entry.header.mode),
		[0o600, 0o644],
	);
});

test('the size field of links and directories brings no data', async t => {
	const archive = Buffer.concat([forge(block({type: 'directory'}), 124, '00000001000\0'), block(), end]);
	t.deepEqual(
		(await readAll(oneChunk(archive))).map(entry => [entry.header.type, entry.header.size]),
		[
			['directory', 0],
			['file', 0],
		],
	);
});

test('volume labels are passed over', async t => {
	const archive = Buffer.concat([forge(block(), 156, 'V'), block(), end]);
	t.is((await readAll(oneChunk(archive))).length, 1);
});

test('times of PAX headers are rounded down, also before 1970', async t => {
	const archive = Buffer.concat([pax('14 mtime=-1.5\n'), block(), end]);
	const [entry] = await readAll(oneChunk(archive));
	t.deepEqual([entry?.header.mtime, entry?.header.mtimeNsec], [-2, 500_000_000]);
});

test('an attribute may be named __proto__', async t => {
	const archive = formatHeader(header('a', {xattrs: Object.fromEntries([['__proto__', Buffer.from('x')]])}));
	const [entry] = await readAll(oneChunk(archive));
	t.deepEqual(Object.keys(entry?.header.xattrs ?? {}), ['__proto__']);
});

test('content need not be read, and is gone when the next entry was asked for', async t => {
	const first = Buffer.concat([block({size: 600}), Buffer.alloc(1024, 'x')]);
	const archive = Buffer.concat([first, formatHeader(header('b')), end]);
	let kept: AsyncIterable<Uint8Array> | undefined;
	const names: string[] = [];
	for await (const entry of readTar(chunked(archive, 100))) {
		names.push(entry.header.path);
		kept ??= entry.content;
	}
	t.deepEqual(names, ['name', 'b']);
	t.is((await collect(kept ?? oneChunk(Buffer.from('x')), 1000)).length, 0);
});

test('an index tells where contents are', async t => {
	const {entries, sizeBytes} = await indexTar(chunked(fixture('sparse-pax-1.0'), 1000));
	t.is(sizeBytes, fixture('sparse-pax-1.0').length);
	t.deepEqual(entries, [{header: sparseHeader, offset: 2048, sparse: [8192, 4096, 32_768, 4096, 65_536, 0]}]);
});

test('a tar header is told from other blocks', t => {
	t.true(isTarHeader(fixture('v7')));
	t.true(isTarHeader(block()));
	t.false(isTarHeader(Buffer.alloc(512)));
	t.false(isTarHeader(Buffer.alloc(512, 'x')));
	t.false(isTarHeader(block().subarray(0, 511)));
});

test('damaged archives end in an error or in entries, never in a hang or a crash', async t => {
	const names = ['gnu-long-name', 'pax-local', 'sparse-gnu', 'sparse-pax-1.0', 'sparse-pax-0.0', 'v7', 'devices'];
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...names),
			fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), {maxLength: 6}),
			fc.boolean(),
			async (name, changes, mend) => {
				let bytes: Buffer = Buffer.from(fixture(name));
				for (const [at, value] of changes) {
					if (at < bytes.length) bytes[at] = value;
				}
				if (mend) bytes = forge(bytes, 0, Buffer.alloc(0));
				const outcome = await indexTar(chunked(bytes, 600)).catch((error: unknown) => error);
				t.true(isSealError(outcome) || 'entries' in (outcome as object), String(outcome));
			},
		),
		{numRuns: 200},
	);
});
