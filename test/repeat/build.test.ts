import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type ContextEntry, makeContext} from '../helpers/context.js';
import {testWith} from '../helpers/programs.js';
import {tempDir} from '../helpers/temp-dir.js';

/** A context with what could make builds differ: names that locales order differently, links, modes, a file of many blocks. */
const files: Readonly<Record<string, ContextEntry>> = {
	Sealfile: [
		'FROM scratch AS tools',
		'COPY bin /bin/',
		'FROM scratch',
		'ARG TARGETARCH',
		'COPY --from=tools / /',
		'COPY . /all/',
		'COPY <<EOF /arch',
		'$TARGETARCH',
		'EOF',
		'LABEL sealimage.io/type=application',
		'CMD ["echo done"]',
	].join('\n'),
	'Zebra.yaml': 'kind: List\n',
	'apple.yaml': 'a: 1\n',
	'Ähre.yaml': 'b: 2\n',
	'ı.txt': 'dotless',
	'bin/big': {text: Array.from({length: 400_000}, (_, i) => `line ${i * 7919}`).join('\n'), mode: 0o755},
	'bin/setuid': {text: 'x', mode: 0o4755},
	'bin/link': {symlink: 'big'},
	'dir/first': 'same inode',
	'dir/second': {hardlink: 'dir/first'},
	'dir/empty/': {folder: true, mode: 0o700},
};

interface Surroundings {
	readonly env?: Readonly<Record<string, string>>;
	readonly umask?: string;
	readonly reversed?: boolean;
	readonly platforms?: string;
	readonly command?: readonly string[];
}

/** Folder times are part of a context, so every copy of it is made with the same ones (see makeContext). */
function digests(
	t: ExecutionContext,
	compression: string,
	{env = {}, umask = '22', reversed, platforms, command = []}: Surroundings,
): string {
	const hardlinksLast = (name: string): number => Number('hardlink' in Object(files[name]));
	const names = Object.keys(files);
	const order = (reversed ? names.toReversed() : names).toSorted((a, b) => hardlinksLast(a) - hardlinksLast(b));
	const context = makeContext(tempDir(t), Object.fromEntries(order.map(name => [name, files[name]!])));
	const program = [process.execPath, join(process.cwd(), '.build/test/repeat/build-once.js')];
	const [file, ...args] = [
		...command,
		...program,
		context,
		tempDir(t),
		umask,
		platforms ?? 'linux/amd64,linux/arm64',
		compression,
	];
	return execFileSync(file!, args, {
		encoding: 'utf8',
		env: {PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C', ...env},
	});
}

const plain = new Map<string, string>();

/** The digests in the surroundings that all others are compared with. */
function plainDigests(t: ExecutionContext, compression: string): string {
	const found = plain.get(compression) ?? digests(t, compression, {});
	plain.set(compression, found);
	return found;
}

const same = test.macro((t: ExecutionContext, surroundings: Surroundings) => {
	for (const compression of ['gzip', 'none']) t.is(digests(t, compression, surroundings), plainDigests(t, compression));
});

test('the umask does not matter', same, {umask: '77'});
test('time zone and locale do not matter', same, {
	env: {TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8'},
});
test('the order in which files were made does not matter', same, {reversed: true});
test('the order of platforms does not matter', same, {platforms: 'linux/arm64,linux/amd64'});
test('the size of the thread pool does not matter', same, {env: {UV_THREADPOOL_SIZE: '1'}});
testWith('taskset')('the number of cores does not matter', t => same.exec(t, {command: ['taskset', '-c', '0']}));

test('byte-stable gzip repeats too', t => {
	t.is(digests(t, 'gzip-stable', {umask: '77'}), digests(t, 'gzip-stable', {env: {UV_THREADPOOL_SIZE: '1'}}));
});
