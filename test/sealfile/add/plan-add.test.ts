import {execFileSync, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {chmodSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as zlib from 'node:zlib';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import type {EntryHeader} from '../../../lib/oci/entry.js';
import {packTar} from '../../../lib/oci/tar/write.js';
import {planAdd} from '../../../lib/sealfile/add/plan-add.js';
import type {AddOptions, AddPlan, AddRequest} from '../../../lib/sealfile/add/types.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import type {CopiedEntry} from '../../../lib/sealfile/copy/types.js';
import {serveHttp} from '../../helpers/http-server.js';
import {imageTree, listEntries, type TreeEntry} from '../../helpers/image-tree.js';
import {tempDir} from '../../helpers/temp-dir.js';

type Member = Partial<EntryHeader> & {readonly path: string; readonly text?: string};

/** An archive with exactly these members, in this order. */
async function tar(...members: readonly Member[]): Promise<Buffer> {
	const inputs = members.map(({text = '', ...header}) => ({
		header: {type: 'file' as const, mode: 0o640, uid: 7, gid: 8, mtime: 99, size: Buffer.byteLength(text), ...header},
		content: Buffer.from(text),
	}));
	return collect(packTar(inputs), 1 << 24);
}

interface Given {
	readonly files?: Readonly<Record<string, Uint8Array | string>>;
	readonly image?: Readonly<Record<string, TreeEntry | string>>;
	readonly request: Partial<AddRequest> & {readonly sources: readonly string[]};
	readonly options?: Partial<AddOptions>;
}

async function plan(t: ExecutionContext, {files = {}, image = {}, request, options}: Given): Promise<AddPlan> {
	const dir = tempDir(t);
	chmodSync(dir, 0o755);
	for (const [path, bytes] of Object.entries(files)) {
		execFileSync('mkdir', ['-p', join(dir, path, '..')]);
		writeFileSync(join(dir, path), bytes);
	}
	const settings = {scratchDir: tempDir(t), retryDelayMs: 1, ...options};
	return planAdd({destination: '/x/', ...request}, openContext(dir), imageTree(image), settings);
}

async function add(t: ExecutionContext, given: Given): Promise<readonly CopiedEntry[]> {
	return (await (await plan(t, given)).expand()).entries;
}

const list = async (t: ExecutionContext, given: Given): Promise<string[]> =>
	listEntries((await add(t, given)).map(({header}) => ({header})));

/** The bytes of an entry, wherever they are. */
function textOf({content, header}: CopiedEntry): string {
	if (content === undefined) return '';
	if (content.kind === 'bytes') return Buffer.from(content.bytes).toString();
	if (content.kind !== 'file') return '?';
	const start = content.offset ?? 0;
	return readFileSync(content.path)
		.subarray(start, start + header.size)
		.toString();
}

const simple = [{path: 'd', type: 'directory', mode: 0o750} as const, {path: 'd/f', text: 'hello'}];
const unpacked = ['x directory 755 0:0', 'x/d directory 750 7:8', 'x/d/f file 640 7:8'];

/** `simple` as the programs of these names compress it. */
const compressed = {
	bzip2:
		'QlpoOTFBWSZTWSlXk6wAAGBbkP2AQADvhAADZ0SeAAQAAAggAHUJSJoNDQ00bUAAlEU0/VPQEMAMnqSNa74scOgwIn/70QGGMJRPYownxQIAim40jKuQ4RKhgIk1oEUYItJoTLUcx5G9Wj3qLBVEoK894ToUHHHJAeC7kinChIFKvJ1g',
	xz: '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4An/AF5dADILvBunjDRE4beWRzhi4vz2qRkyLNylWfxHGJfmFoSC0/xfX+fkHT5A1xzaVpzfMyNxWIbLwIvL7dvmgU+K0AFKSc4Pfer1nSDL2HL6zhLu44onXimyAJeiAdqtpEAAAACBnu33AAF2gBQAAABbSrNwPjANiwIAAAAAAVla',
	zstd: 'KLUv/QRYfQMApANkLwAwMDAwNzUwMDA3MTAAMTQzADAwNzQ0MwAgNXVzdGFyADAwZC9mMDAwMDY0NTYwNwAgMGhlbGxvFACZ5X7AYNJgQC2A3AChYX69xcE0AycwmAASYFoH2gZhsILmmPkshMGwYGAwY+UyPoEhIMMtsQ==',
};

for (const [program, base64] of Object.entries(compressed)) {
	test(`a ${program} archive is unpacked where the machine can, and refused with a hint where not`, async t => {
		const given = {files: {'data.bin': Buffer.from(base64, 'base64')}, request: {sources: ['data.bin']}};
		const isNative = program === 'zstd' && 'createZstdDecompress' in zlib;
		if (isNative || spawnSync(program, ['--version']).error === undefined) t.deepEqual(await list(t, given), unpacked);
		else t.truthy(((await t.throwsAsync(add(t, given), {code: 'ERR_COMPRESSION'})) as {hint?: string}).hint);
	});
}

for (const [name, compress] of Object.entries({
	plain: (bytes: Buffer) => bytes,
	gzip: (bytes: Buffer) => gzipSync(bytes),
})) {
	test(`a ${name} archive is unpacked, told by its content`, async t => {
		const files = {'data.bin': compress(await tar(...simple))};
		const entries = await add(t, {files, request: {sources: ['data.bin']}});
		t.deepEqual(listEntries(entries.map(({header}) => ({header}))), unpacked);
		t.is(textOf(entries[2] as CopiedEntry), 'hello');
	});
}

test('a file that is only called an archive is copied', async t => {
	const files = {'a.tar.gz': 'text', 'empty.tar.gz': '', 'one.gz': gzipSync('no archive')};
	t.deepEqual(await list(t, {files, request: {sources: ['*']}}), [
		'x directory 755 0:0',
		'x/a.tar.gz file 644 0:0',
		'x/empty.tar.gz file 644 0:0',
		'x/one.gz file 644 0:0',
	]);
});

test('--unpack=false copies an archive', async t => {
	t.deepEqual(await list(t, {files: {'a.tar': await tar(...simple)}, request: {sources: ['a.tar'], unpack: false}}), [
		'x directory 755 0:0',
		'x/a.tar file 644 0:0',
	]);
});

test('archives in a folder are not unpacked, those that a wildcard matches are', async t => {
	const files = {
		'sub/a.tar': await tar({path: 'one'}),
		'sub/b.tgz': gzipSync(await tar({path: 'two'})),
		'sub/c': 'text',
	};
	t.deepEqual(await list(t, {files, request: {sources: ['sub']}}), [
		'x directory 755 0:0',
		'x/a.tar file 644 0:0',
		'x/b.tgz file 644 0:0',
		'x/c file 644 0:0',
	]);
	t.deepEqual(await list(t, {files, request: {sources: ['sub/*']}}), [
		'x directory 755 0:0',
		'x/c file 644 0:0',
		'x/one file 640 7:8',
		'x/two file 640 7:8',
	]);
});

test('an archive is unpacked into a folder, also without a slash', async t => {
	t.deepEqual(await list(t, {files: {a: await tar({path: 'f'})}, request: {sources: ['a'], destination: '/y'}}), [
		'y directory 755 0:0',
		'y/f file 640 7:8',
	]);
});

test('an archive made by tar is unpacked as tar does', async t => {
	const dir = tempDir(t);
	execFileSync(
		'sh',
		[
			'-c',
			'umask 022; mkdir -p s/d; echo hi > s/d/f; ln s/d/f s/hard; ln -s d/f s/soft; chmod 4755 s/d/f; tar --owner=7 --group=8 --numeric-owner -cf a.tar -C s .',
		],
		{cwd: dir},
	);
	const entries = await add(t, {
		files: {a: readFileSync(join(dir, 'a.tar'))},
		request: {sources: ['a'], destination: '/'},
	});
	t.deepEqual(listEntries(entries.map(({header}) => ({header}))), [
		'd directory 755 7:8',
		'd/f file 4755 7:8',
		'hard hardlink 4755 7:8 -> d/f',
		'soft symlink 777 7:8 -> d/f',
	]);
});

test('--chown and --chmod go over owners and modes of an archive', async t => {
	const files = {a: await tar(...simple, {path: 'l', type: 'symlink', linkname: 'd', mode: 0o777})};
	t.deepEqual(await list(t, {files, request: {sources: ['a'], chown: '1:2', chmod: '700'}}), [
		'x directory 700 1:2',
		'x/d directory 700 1:2',
		'x/d/f file 700 1:2',
		'x/l symlink 777 1:2 -> d',
	]);
});

test('times of an archive are kept, later ones become SOURCE_DATE_EPOCH', async t => {
	const files = {a: await tar({path: 'f', mtime: 99}, {path: 'g', mtime: 5})};
	t.deepEqual(
		(await add(t, {files, request: {sources: ['a'], destination: '/'}})).map(({header}) => header.mtime),
		[99, 5],
	);
	t.deepEqual(
		(await add(t, {files, request: {sources: ['a'], destination: '/'}, options: {sourceDateEpoch: 50}})).map(
			({header}) => header.mtime,
		),
		[50, 5],
	);
});

test('a file of an archive replaces a folder of the image and all in it, and the reverse', async t => {
	const files = {a: await tar({path: 'd', text: 'now a file'}, {path: 'f', type: 'directory'}, {path: 'f/new'})};
	const image = {'x/d/old': '', 'x/f': 'old'};
	t.deepEqual(await list(t, {files, image, request: {sources: ['a']}}), [
		'x/d file 640 7:8',
		'x/f directory 640 7:8',
		'x/f/new file 640 7:8',
	]);
});

test('later archives win over earlier ones', async t => {
	const files = {
		a: await tar({path: 'd', type: 'directory'}, {path: 'd/f', text: 'one'}),
		b: await tar({path: 'd', text: 'two'}),
		c: 'text',
	};
	const entries = await add(t, {files, request: {sources: ['a', 'b', 'c']}});
	t.deepEqual(
		entries.map(entry => [entry.header.path, textOf(entry)]),
		[
			['x', ''],
			['x/c', 'text'],
			['x/d', 'two'],
		],
	);
});

test('links of the image are followed on the way, those at the end replaced', async t => {
	const files = {a: await tar({path: 'lib/f'}, {path: 'end', text: 'x'})};
	const image = {lib: '-> usr/lib', 'usr/lib/': '', end: '-> /etc/passwd', 'etc/passwd': ''};
	t.deepEqual(await list(t, {files, image, request: {sources: ['a'], destination: '/'}}), [
		'end file 640 7:8',
		'usr/lib/f file 640 7:8',
	]);
});

test('a hard link to a file of the image brings its content', async t => {
	const files = {a: await tar({path: 'h', type: 'hardlink', linkname: 'there'})};
	const entries = await add(t, {files, image: {'x/there': {text: 'old', uid: 3}}, request: {sources: ['a']}});
	t.deepEqual(listEntries(entries), ['x/h file 644 3:0 = old']);
});

test('hard links point to the first name in the layer, wherever the archive has it', async t => {
	const files = {
		a: await tar(
			{path: 'z', text: 'x'},
			{path: 'a', type: 'hardlink', linkname: 'z'},
			{path: 'e'},
			{path: 'b', type: 'hardlink', linkname: 'e'},
		),
	};
	t.deepEqual(await list(t, {files, request: {sources: ['a'], destination: '/'}}), [
		'a file 640 7:8',
		'b file 640 7:8',
		'e hardlink 640 7:8 -> b',
		'z hardlink 640 7:8 -> a',
	]);
});

test('--exclude leaves members of an archive out', async t => {
	const files = {a: await tar({path: 'docs', type: 'directory'}, {path: 'docs/a'}, {path: 'bin'})};
	t.deepEqual(await list(t, {files, request: {sources: ['a'], exclude: ['docs']}}), [
		'x directory 755 0:0',
		'x/bin file 640 7:8',
	]);
});

test('a global PAX header is passed over', async t => {
	const dir = tempDir(t);
	execFileSync(
		'sh',
		[
			'-c',
			'git init -q . && echo hi > f && git add f && git -c user.name=a -c user.email=a@b commit -qm m && git archive -o a.tar HEAD',
		],
		{cwd: dir, env: {PATH: process.env.PATH, HOME: dir}},
	);
	const bytes = readFileSync(join(dir, 'a.tar'));
	t.true(bytes.includes('pax_global_header'));
	t.deepEqual(
		(await list(t, {files: {a: bytes}, request: {sources: ['a'], destination: '/'}})).map(line => line.split(' ')[0]),
		['f'],
	);
});

// Hostile archives
const hostile = test.macro<[() => Promise<Buffer>, string]>({
	async exec(t, make, code) {
		await t.throwsAsync(add(t, {files: {a: await make()}, request: {sources: ['a']}}), {code});
	},
	title: (title, _, code) => `an archive with ${title} is refused with ${code}`,
});

/** A header that our writer would not make. */
async function forged(path: string): Promise<Buffer> {
	const bytes = await tar({path: 'A'.repeat(path.length), text: 'x'});
	bytes.write(path, 0, 'latin1');
	bytes.write('        ', 148, 'latin1');
	const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
	bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
	return bytes;
}

test('a path that climbs out', hostile, () => forged('../../etc/passwd'), 'ERR_UNSAFE_PATH');
test('a whiteout', hostile, () => forged('d/.wh.passwd'), 'ERR_LAYER_ENTRY');
test('a hard link to nothing', hostile, () => tar({path: 'h', type: 'hardlink', linkname: 'none'}), 'ERR_TAR_FORMAT');
test(
	'a hard link to a folder',
	hostile,
	() => tar({path: 'd', type: 'directory'}, {path: 'h', type: 'hardlink', linkname: 'd'}),
	'ERR_TAR_FORMAT',
);
test('a file below a file', hostile, () => tar({path: 'f', text: 'x'}, {path: 'f/g'}), 'ERR_COPY_CONFLICT');
test(
	'a loop of links on the way',
	hostile,
	() => tar({path: 'a', type: 'symlink', linkname: 'b'}, {path: 'b', type: 'symlink', linkname: 'a'}, {path: 'a/f'}),
	'ERR_SYMLINK_LOOP',
);
test(
	'its end missing',
	hostile,
	async () => (await tar({path: 'f', text: 'x'.repeat(5000)})).subarray(0, 2048),
	'ERR_TAR_FORMAT',
);

test('an absolute path and absolute links stay in the image', async t => {
	t.deepEqual(await list(t, {files: {a: await forged('/etc/f')}, request: {sources: ['a'], destination: '/'}}), [
		'etc directory 755 0:0',
		'etc/f file 640 7:8',
	]);
	const links = await tar(
		{path: 'out', type: 'symlink', linkname: '/etc'},
		{path: 'out/f'},
		{path: 'up', type: 'symlink', linkname: '../../../up'},
		{path: 'up/g'},
	);
	t.deepEqual(await list(t, {files: {a: links}, request: {sources: ['a']}}), [
		'etc directory 755 0:0',
		'etc/f file 640 7:8',
		'up directory 755 0:0',
		'up/g file 640 7:8',
		'x directory 755 0:0',
		'x/out symlink 640 7:8 -> /etc',
		'x/up symlink 640 7:8 -> ../../../up',
	]);
});

test('an archive that unpacks to more than is allowed is refused', async t => {
	const files = {a: gzipSync(await tar({path: 'f', text: 'x'.repeat(100_000)}))};
	await t.throwsAsync(add(t, {files, request: {sources: ['a']}, options: {archiveLimitBytes: 50_000}}), {
		code: 'ERR_TAR_LIMIT',
	});
});

// Keys
test('an archive is not opened before it must be, and known by its file', async t => {
	const files = {a: await tar(...simple), b: 'text'};
	const result = await plan(t, {files, request: {sources: ['a', 'b']}});
	t.is(result.inputs.length, 3);
	t.like(result.inputs[0], {kind: 'archive', file: {header: {path: 'a'}, content: {kind: 'file'}}});
	t.deepEqual(
		result.inputs.slice(1).map(input => input.kind === 'entry' && input.entry.header.path),
		['x', 'x/b'],
	);
	t.like(result.destinationFacts, {path: 'x', existingDepth: 0, wholeTree: true});
});

test('local files are known by their entries alone', async t => {
	const result = await plan(t, {files: {f: 'x'}, request: {sources: ['f'], destination: '/f'}});
	t.deepEqual(
		result.inputs,
		(await result.expand()).entries.map(entry => ({kind: 'entry', entry})),
	);
	t.false(result.destinationFacts.wholeTree);
});

test('a missing source and a wildcard without match are as for COPY', async t => {
	await t.throwsAsync(plan(t, {request: {sources: ['none']}}), {code: 'ERR_COPY_SOURCE'});
	const {entries, warnings} = await (await plan(t, {request: {sources: ['no*']}})).expand();
	t.deepEqual(entries, []);
	t.like(warnings, [{code: 'EmptyWildcard'}]);
});

test('a file in the Sealfile is added', async t => {
	t.deepEqual(
		await list(t, {
			request: {sources: [], inlineFiles: [{name: 'EOF', bytes: Buffer.from('x')}], destination: '/etc/f'},
		}),
		['etc directory 755 0:0', 'etc/f file 644 0:0'],
	);
});

// URLs
test('a URL gives a file that only root reads, with the time of the server', async t => {
	const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
	const url = await serveHttp(t, (_, response) => response.setHeader('last-modified', date).end('hello'));
	const result = await plan(t, {request: {sources: [`${url}/dir/my%20file?x=1`]}});
	const {entries} = await result.expand();
	t.deepEqual(listEntries(entries.map(({header}) => ({header}))), ['x directory 755 0:0', 'x/my file file 600 0:0']);
	t.is(entries[1]?.header.mtime, 1_445_412_480);
	t.is(textOf(entries[1] as CopiedEntry), 'hello');
	const digest = `sha256:${createHash('sha256').update('hello').digest('hex')}`;
	t.deepEqual(result.inputs, [{kind: 'url', url: `${url}/dir/my%20file?x=1`, digest, mtime: 1_445_412_480}]);
});

test('a URL to a path without a slash takes that name, and time 0 where the server says none', async t => {
	const url = await serveHttp(t, (_, response) => response.end('hello'));
	const [entry] = await add(t, {request: {sources: [`${url}/f`], destination: '/g', chown: '5', chmod: '755'}});
	t.like(entry?.header, {path: 'g', mode: 0o755, uid: 5, gid: 5, mtime: 0});
});

for (const path of ['', '/', '/%2e%2e', '/a/..']) {
	test(`a URL ending in "${path}" has no name`, async t => {
		const url = await serveHttp(t, (_, response) => response.end('hello'));
		t.deepEqual(
			(await add(t, {request: {sources: [`${url}${path}`]}})).map(({header}) => header.path),
			['x', 'x/__unnamed__'],
		);
	});
}

test('an archive from a URL is unpacked only with --unpack', async t => {
	const bytes = gzipSync(await tar(...simple));
	const url = await serveHttp(t, (_, response) => response.end(bytes));
	t.deepEqual(await list(t, {request: {sources: [`${url}/a.tgz`]}}), ['x directory 755 0:0', 'x/a.tgz file 600 0:0']);
	t.deepEqual(await list(t, {request: {sources: [`${url}/a.tgz`], unpack: true}}), unpacked);
});

test('a URL with a checksum that differs is refused and leaves nothing', async t => {
	const url = await serveHttp(t, (_, response) => response.end('hello'));
	const scratchDir = tempDir(t);
	const checksum = `sha256:${'0'.repeat(64)}`;
	await t.throwsAsync(plan(t, {request: {sources: [url], checksum}, options: {scratchDir}}), {code: 'ERR_CHECKSUM'});
	t.deepEqual(readdirSync(scratchDir), []);
});

test('a checksum is for one remote source', async t => {
	const checksum = `sha256:${'0'.repeat(64)}`;
	await t.throwsAsync(plan(t, {files: {f: ''}, request: {sources: ['f'], checksum}}), {code: 'ERR_COPY_OPTION'});
	await t.throwsAsync(plan(t, {request: {sources: ['http://a/b', 'http://a/c'], checksum}}), {code: 'ERR_COPY_OPTION'});
});

test('a scheme that is not known is refused', async t => {
	await t.throwsAsync(plan(t, {request: {sources: ['ftp://host/f']}}), {
		code: 'ERR_DOWNLOAD',
		message: /is no http or https URL/,
	});
});

// Git
test('a folder of a repository is added with the modes of git', async t => {
	const dir = tempDir(t);
	const env = {PATH: process.env.PATH, HOME: dir};
	execFileSync(
		'sh',
		[
			'-c',
			'git init -q . && mkdir sub && echo hi > sub/f && echo hi > sub/run && chmod 755 sub/run && git add . && git -c user.name=a -c user.email=a@b commit -qm m',
		],
		{cwd: dir, env: {...env, GIT_COMMITTER_DATE: '2020-01-02T03:04:05Z'}},
	);
	const commit = execFileSync('git', ['rev-parse', 'HEAD'], {cwd: dir, env, encoding: 'utf8'}).trim();
	const request = {sources: [`file://${dir}#${commit.slice(0, 10)}:sub`], checksum: commit};
	const result = await plan(t, {request, options: {localGit: true, gitEnv: env}});
	t.deepEqual(result.inputs, [{kind: 'git', url: `file://${dir}`, commit, subdir: 'sub'}]);
	const {entries} = await result.expand();
	t.deepEqual(listEntries(entries.map(({header}) => ({header}))), [
		'x directory 755 0:0',
		'x/f file 644 0:0',
		'x/run file 755 0:0',
	]);
	t.deepEqual(
		entries.map(({header}) => header.mtime),
		[1_577_934_245, 1_577_934_245, 1_577_934_245],
	);
	const whole = await list(t, {
		request: {sources: [`file://${dir}`], keepGitDir: true},
		options: {localGit: true, gitEnv: env},
	});
	t.true(whole.includes('x/.git directory 755 0:0'));
	await t.throwsAsync(plan(t, {request: {sources: [`file://${dir}#:none`]}, options: {localGit: true, gitEnv: env}}), {
		code: 'ERR_COPY_SOURCE',
	});
});

test('an abort ends an ADD with its reason', async t => {
	const reason = new Error('enough');
	const files = {a: await tar(...simple)};
	await t.throwsAsync(plan(t, {files, request: {sources: ['a']}, options: {signal: AbortSignal.abort(reason)}}), {
		is: reason,
	});
	const result = await plan(t, {files, request: {sources: ['a']}});
	await t.throwsAsync(result.expand({signal: AbortSignal.abort(reason)}), {is: reason});
});
