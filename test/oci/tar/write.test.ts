import test from 'ava';
import fc from 'fast-check';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import type {EntryHeader} from '../../../lib/oci/entry.js';
import {formatHeader, packTar} from '../../../lib/oci/tar/write.js';
import {header} from '../../helpers/entries.js';
import {chunked, readAll} from './fixture.js';

test('a header is plain USTAR with empty names of owners', t => {
	const bytes = formatHeader(header('etc/passwd', {mode: 0o4755, uid: 1000, gid: 100, size: 5, mtime: 1_700_000_000}));
	const text = bytes.toString('latin1');
	t.is(bytes.length, 512);
	t.is(text.slice(0, 11), 'etc/passwd\0');
	t.is(text.slice(100, 108), '0004755\0');
	t.is(text.slice(108, 116), '0001750\0');
	t.is(text.slice(116, 124), '0000144\0');
	t.is(text.slice(124, 136), '00000000005\0');
	t.is(text.slice(136, 148), '14524770400\0');
	t.regex(text.slice(148, 156), /^[0-7]{6}\0 $/);
	t.is(text.slice(156, 157), '0');
	t.is(text.slice(257, 265), 'ustar\x0000');
	t.is(text.slice(265, 329), '\0'.repeat(64));
	t.is(text.slice(329, 345), '0000000\x000000000\0');
	t.is(text.slice(345), '\0'.repeat(167));
});

test('directories end with a slash and the root is ./', t => {
	t.is(formatHeader(header('a', {type: 'directory'})).toString('latin1', 0, 3), 'a/\0');
	t.is(formatHeader(header('', {type: 'directory'})).toString('latin1', 0, 3), './\0');
});

const long = (length: number): string => 'x'.repeat(length);
/** The PAX records of an entry as text, or undefined for a plain USTAR header. */
const recordsOf = (entry: EntryHeader): string | undefined => {
	const bytes = formatHeader(entry);
	if (bytes.length === 512) return undefined;
	const size = Number.parseInt(bytes.toString('latin1', 124, 135), 8);
	return bytes.toString('latin1', 512, 512 + size);
};

const records = test.macro({
	exec(t, fields: Partial<EntryHeader>, expected: string | undefined) {
		t.is(recordsOf(header('name', fields)), expected);
	},
	title: (title = '', _, expected) => `${title} ${expected === undefined ? 'fits USTAR' : 'needs PAX'}`,
});

test('a path of 100 characters', records, {path: long(100)}, undefined);
test('a path of 101 characters without a slash', records, {path: long(101)}, `111 path=${long(101)}\n`);
test('a path that splits at 155 and 100', records, {path: `${long(155)}/${long(100)}`}, undefined);
test('a path with a prefix of 156', records, {path: `${long(156)}/y`}, `168 path=${long(156)}/y\n`);
test('a directory of 100 characters', records, {path: long(100), type: 'directory'}, `111 path=${long(100)}/\n`);
test('a path that is not ASCII', records, {path: 'ü'}, '11 path=\xc3\xbc\n');
test('a path that is no UTF-8', records, {path: 'caf\udce9'}, '13 path=caf\xe9\n');
test('a link target of 100 characters', records, {type: 'symlink', linkname: long(100)}, undefined);
test('a link target of 101 characters', records, {type: 'symlink', linkname: long(101)}, `115 linkpath=${long(101)}\n`);
test('a link target that is not ASCII', records, {type: 'symlink', linkname: 'ü'}, '15 linkpath=\xc3\xbc\n');
test('a size of 8 GiB less 1', records, {size: 8 * 2 ** 30 - 1}, undefined);
test('a size of 8 GiB', records, {size: 8 * 2 ** 30}, '19 size=8589934592\n');
test('owner 2097151', records, {uid: 2_097_151, gid: 2_097_151}, undefined);
test('owner 4294967294', records, {uid: 4_294_967_294, gid: 2_097_152}, '15 gid=2097152\n18 uid=4294967294\n');
test('the year 2040', records, {mtime: 2_208_988_800}, undefined);
test('the year 1969', records, {mtime: -1}, '12 mtime=-1\n');
test('half a second', records, {mtime: 1, mtimeNsec: 500_000_000}, '13 mtime=1.5\n');
test('half a second before 1970', records, {mtime: -2, mtimeNsec: 500_000_000}, '14 mtime=-1.5\n');
test(
	'an attribute with NUL bytes',
	records,
	{xattrs: {'security.capability': Buffer.from([1, 0, 0, 2, 0x0a, 0xff])}},
	'43 SCHILY.xattr.security.capability=\x01\0\0\x02\n\xff\n',
);
test(
	'a record whose length grows by counting itself',
	records,
	{path: `${long(89)}ü`},
	`101 path=${long(89)}\xc3\xbc\n`,
);

test('an archive ends with two blocks of zeros and no more', async t => {
	const bytes = await collect(packTar([{header: header('a', {size: 3}), content: Buffer.from('abc')}]), 10_000);
	t.is(bytes.length, 512 + 512 + 1024);
	t.true(bytes.subarray(1024).every(byte => byte === 0));
});

const promise = test.macro({
	async exec(t, content: Buffer | undefined, message: RegExp) {
		const input = {header: header('a', {size: 3}), ...(content && {content: oneChunk(content)})};
		await t.throwsAsync(collect(packTar([input]), 10_000), {code: 'ERR_LAYER_ENTRY', message});
	},
	title: (title = '') => `content that is ${title} than its header says is refused`,
});
test('shorter', promise, Buffer.from('ab'), /a has 2 bytes of content, its header says 3/);
test('longer', promise, Buffer.from('abcd'), /a has more bytes of content/);
test('absent, so shorter', promise, undefined, /a has 0 bytes/);

const component = fc.oneof(
	fc.constantFrom('a', 'b.txt', 'ü', '日本', 'line\nbreak', 'caf\udce9', 'x'.repeat(99), ' '),
	fc.string({minLength: 1, maxLength: 120}).map(text => text.replace(/[\0/\ud800-\udfff]/g, '_')),
);
const path = fc
	.array(component, {minLength: 1, maxLength: 4})
	.map(parts => parts.map(part => (/^\.{1,2}$/.test(part) ? 'dot' : part)).join('/'));
const number = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 2_097_151, 2_097_152));
const time = fc.integer({min: -(2 ** 40), max: 2 ** 40});
const common = {path, mode: fc.nat(0o7777), uid: number, gid: number, mtime: time};
const nsec = fc.option(fc.integer({min: 1, max: 999_999_999}), {nil: undefined});
const xattrs = fc.option(
	fc.dictionary(fc.constantFrom('user.a', 'user.b', 'security.capability'), fc.uint8Array({maxLength: 40}), {
		minKeys: 1,
	}),
	{nil: undefined},
);
const contents = fc.uint8Array({maxLength: 1500});
const entry = fc
	.tuple(
		fc.record(common),
		nsec,
		xattrs,
		fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'block', 'fifo'),
		path,
		contents,
	)
	.map(([fields, mtimeNsec, attributes, type, linkname, content]) => ({
		header: {
			...fields,
			type,
			size: type === 'file' ? content.length : 0,
			...(mtimeNsec === undefined ? {} : {mtimeNsec}),
			...(type === 'symlink' || type === 'hardlink' ? {linkname} : {}),
			...(type === 'block' ? {devmajor: 8, devminor: 1} : {}),
			...(attributes === undefined
				? {}
				: {xattrs: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)]))}),
		} as EntryHeader,
		...(type === 'file' ? {content: Buffer.from(content)} : {}),
	}));

test('what is packed is read again', async t => {
	await fc.assert(
		fc.asyncProperty(fc.array(entry, {maxLength: 6}), fc.integer({min: 1, max: 3000}), async (entries, chunkBytes) => {
			const bytes = await collect(packTar(entries), 1_000_000);
			const read = await readAll(chunked(bytes, chunkBytes));
			t.deepEqual(
				read,
				entries.map(({header: expected, content = Buffer.alloc(0)}) => ({header: expected, content})),
			);
		}),
		{numRuns: 150},
	);
});
