import {execFileSync, spawn} from 'node:child_process';
import {existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {digestOf} from '../../lib/oci/digest.js';
import {makeContext} from '../helpers/context.js';
import {type Cli, cliIn, cliPath} from '../helpers/run-cli.js';

const sealfile = `FROM scratch
ARG VERSION=1
LABEL sealos.io.type=application version=$VERSION
COPY bin/ bin/
ENV NAME=shop
CMD ["bin/run"]
`;

/** A command line with a small context in \`app\`. */
function withContext(t: ExecutionContext): Cli {
	const cli = cliIn(t);
	makeContext(join(cli.dir, 'app'), {
		Sealfile: sealfile,
		'bin/run': {text: '#!/bin/sh\n', mode: 0o755},
		'bin/data': 'x'.repeat(5000),
	});
	return cli;
}

interface Listed {
	readonly names: string[];
	readonly digest: string;
	readonly platforms: string[];
	readonly type: string;
}

test('an image is built, listed, inspected, named again, saved, loaded elsewhere and removed', async t => {
	const cli = withContext(t);
	const built = (await cli.json('build', '-t', 'shop:v1', '--platform', 'linux/amd64,linux/arm64', 'app')) as {
		digest: string;
		names: string[];
	};
	t.deepEqual(built.names, ['docker.io/library/shop:v1']);
	t.like(await cli.json('images'), [
		{
			names: ['docker.io/library/shop:v1'],
			digest: built.digest,
			platforms: ['linux/amd64', 'linux/arm64'],
			type: 'application',
		},
	]);
	t.like(await cli.json('inspect', 'shop:v1'), [
		{
			digest: built.digest,
			platforms: [
				{platform: 'linux/amd64', type: 'application', version: '1', env: ['NAME=shop'], cmd: ['bin/run']},
				{platform: 'linux/arm64'},
			],
		},
	]);
	await cli.ok('tag', 'shop:v1', 'shop:latest');
	const saved = await cli.run(['save', 'shop:v1', 'shop']);
	t.is(saved.exitCode, 0);
	const other = cliIn(t);
	const loaded = await other.run(['load', '--output', 'json'], {input: saved.stdoutBytes});
	t.deepEqual(JSON.parse(loaded.stdout), [
		{names: ['docker.io/library/shop:v1', 'docker.io/library/shop:latest'], digest: built.digest},
	]);
	t.regex(await other.ok('verify', 'shop'), /^ok shop sha256:/);
	t.is(await other.ok('rmi', 'shop:v1', '-q'), 'removed shop:v1\n');
	t.is(((await other.json('images')) as Listed[]).length, 1);
	await other.ok('rmi', 'shop');
	t.deepEqual(await other.json('images'), []);
	t.deepEqual(readdirSync(join(other.dir, 'store/blobs/sha256')), []);
});

test('--quiet prints the digest alone, --iidfile writes it', async t => {
	const cli = withContext(t);
	const {stdout, stderr} = await cli.run(['build', '-q', '--iidfile', 'id', 'app']);
	t.regex(stdout, /^sha256:[0-9a-f]{64}\n$/);
	t.is(stderr, '');
	t.is(readFileSync(join(cli.dir, 'id'), 'utf8'), stdout.trim());
});

test('progress in a pipe is one line per step on stderr, and JSON lines on demand', async t => {
	const cli = withContext(t);
	const plain = await cli.run(['build', '-t', 'a', 'app']);
	t.regex(plain.stderr, /^\+ \[linux\/\w+\] COPY bin\/ bin\/ {2}\d+ B {2}[\d.]+s\n$/);
	const json = await cli.run(['build', '-t', 'a', '--progress', 'json', 'app']);
	const events = json.stderr
		.trimEnd()
		.split('\n')
		.map(line => (JSON.parse(line) as {type: string}).type);
	t.deepEqual(events, ['step.started', 'step.cached']);
	t.is((await cli.run(['build', '--progress', 'none', 'app'])).stderr, '');
});

test('a dry run says what is cached and changes nothing', async t => {
	const cli = withContext(t);
	t.regex(await cli.ok('build', '--dry-run', '-t', 'a', 'app'), /COPY bin\/ bin\/ +line 4, planned\n/);
	t.deepEqual(await cli.json('images'), []);
	await cli.ok('build', '-t', 'a', 'app');
	t.regex(await cli.ok('build', '--dry-run', 'app'), /COPY bin\/ bin\/ +line 4, cached\n/);
});

test('tree and diff show files, sizes and settings', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	t.is(
		await cli.ok('tree', 'a'),
		'/             5.01 kB\n└── bin/      5.01 kB\n    ├── data  5 kB\n    └── run   10 B\n',
	);
	t.like(await cli.json('tree', 'a', 'bin/run'), {name: 'run', type: 'file', mode: '0755', sizeBytes: 10, count: 1});
	writeFileSync(join(cli.dir, 'app/bin/more'), 'y');
	await cli.ok('build', '-t', 'b', '--build-arg', 'VERSION=2', 'app');
	const text = await cli.ok('diff', 'a', 'b');
	t.true(text.startsWith('- label version: 1\n+ label version: 2\nA /bin/more (1 B)\n'), text);
});

test('create unpacks an image, and refuses a folder that is in use', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	await cli.ok('create', 'a', 'out');
	t.is(statSync(join(cli.dir, 'out/bin/run')).mode & 0o777, 0o755);
	const again = await cli.run(['create', 'a', 'out']);
	t.is(again.exitCode, 2);
	t.regex(again.stderr, /\[ERR_USAGE\]/);
});

test('--dest writes an archive or folder that loads again', async t => {
	const cli = withContext(t);
	for (const dest of ['oci-archive:a.tar', 'docker-archive:b.tar', 'oci-dir:c']) {
		const {digest} = (await cli.json('build', '-t', 'shop:v1', '-o', dest, 'app')) as {digest: string};
		const other = cliIn(t);
		const loaded = (await other.json('load', '-i', join(cli.dir, dest.slice(dest.indexOf(':') + 1)))) as Listed[];
		t.deepEqual(loaded, [{names: ['docker.io/library/shop:v1'], digest}] as unknown as Listed[], dest);
	}
});

test('an index is made, changed and printed', async t => {
	const cli = withContext(t);
	for (const arch of ['amd64', 'arm64'])
		await cli.ok('build', '-t', `shop:${arch}`, '--platform', `linux/${arch}`, 'app');
	await cli.ok('manifest', 'create', 'shop:v1', 'shop:amd64', 'shop:arm64');
	const taken = await cli.run(['manifest', 'create', 'shop:v1']);
	t.is(taken.exitCode, 2);
	await cli.ok('manifest', 'annotate', 'shop:v1', 'shop:arm64', '--variant', 'v9', '--annotation', 'a=b');
	t.like(await cli.json('manifest', 'inspect', 'shop:v1'), {
		manifests: [
			{platform: {architecture: 'amd64'}},
			{platform: {architecture: 'arm64', variant: 'v9'}, annotations: {a: 'b'}},
		],
	});
	await cli.ok('manifest', 'rm', 'shop:v1', 'shop:amd64');
	t.is(((await cli.json('manifest', 'inspect', 'shop:v1')) as {manifests: unknown[]}).manifests.length, 1);
	const raw = await cli.run(['manifest', 'inspect', '--raw', 'shop:v1']);
	t.is(digestOf(raw.stdoutBytes) as string, ((await cli.json('images', 'shop:v1')) as Listed[])[0]!.digest);
});

test('rmi resolves every argument before it removes the first', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', '-t', 'b', 'app');
	t.is((await cli.run(['rmi', 'a', 'typo'])).exitCode, 1);
	const [image] = (await cli.json('images')) as Listed[];
	t.deepEqual(image?.names, ['docker.io/library/a:latest', 'docker.io/library/b:latest']);
	const byDigest = await cli.run(['rmi', image!.digest]);
	t.is(byDigest.exitCode, 2);
	t.regex(byDigest.stderr, /has 2 names: a:latest, b:latest/);
	await cli.ok('rmi', '--force', image!.digest, 'typo');
	t.deepEqual(await cli.json('images'), []);
});

test('prune removes images without a name and says how much that is', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	await cli.ok('build', '--build-arg', 'VERSION=2', 'app');
	t.is(((await cli.json('images')) as Listed[]).length, 2);
	const expected = (await cli.json('prune', '--dry-run')) as {removed: boolean; freedBytes: number; images: string[]};
	t.false(expected.removed);
	t.is(expected.images.length, 1);
	t.like(await cli.json('prune', '--force'), {removed: true, freedBytes: expected.freedBytes, images: expected.images});
	t.is(((await cli.json('images')) as Listed[]).length, 1);
	t.regex(await cli.ok('verify', 'a'), /^ok a/);
});

test('verify finds a damaged blob and ends with exit code 1', async t => {
	const cli = withContext(t);
	const {platforms} = (await cli.json('build', '-t', 'a', 'app')) as {
		platforms: Array<{layers: Array<{digest: string; sizeBytes: number}>}>;
	};
	const layer = platforms[0]!.layers[0]!;
	const path = join(cli.dir, 'store/blobs/sha256', layer.digest.slice(7));
	execFileSync('chmod', ['u+w', path]);
	writeFileSync(path, Buffer.alloc(layer.sizeBytes));
	const {exitCode, stdout} = await cli.run(['verify', 'a']);
	t.is(exitCode, 1);
	t.regex(stdout, /^damaged a sha256:/);
	t.regex(stdout, /\[ERR_CONTENT_DIGEST\]/);
});

const failure = test.macro({
	async exec(t, argv: string[], code: string) {
		const {exitCode, stdout, stderr} = await withContext(t).run([...argv, '--output', 'json']);
		t.is(exitCode, 1, stderr);
		t.is(stdout, '');
		const {error} = JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as {error: {code: string; hint?: string}};
		t.is(error.code, code);
		t.truthy(error.hint);
	},
	title: (_, argv: string[], code: string) => `${argv.join(' ')} fails with ${code}, a hint and exit code 1`,
});

test(failure, ['build', 'nowhere'], 'ERR_CONTEXT');
test(failure, ['build', 'app/Sealfile'], 'ERR_CONTEXT');
test(failure, ['build', 'app/bin'], 'ERR_SEALFILE_MISSING');
test(failure, ['build', '-f', 'nowhere', 'app'], 'ERR_SEALFILE_MISSING');
test(failure, ['build', '--lock', 'nowhere', 'app'], 'ERR_IO');
test(failure, ['lint', '-f', 'nowhere'], 'ERR_SEALFILE_MISSING');
test(failure, ['inspect', 'nothing'], 'ERR_IMAGE_UNKNOWN');
test(failure, ['load', '-i', 'nowhere.tar'], 'ERR_IO');
test(failure, ['load', '-i', 'app/Sealfile'], 'ERR_TAR_FORMAT');
test(failure, ['images', '--root', 'app/Sealfile'], 'ERR_LAYOUT_INVALID');
test(failure, ['images', '--root', 'app'], 'ERR_LAYOUT_INVALID');

test('a Sealfile with errors is shown with its lines and carets', async t => {
	const cli = cliIn(t);
	makeContext(cli.dir, {Sealfile: 'FROM scratch\nCOPPY a b\n\tENV A=$' + '{x\n'});
	const built = await cli.run(['build', '.']);
	t.is(built.exitCode, 1);
	t.true(
		built.stderr.includes(
			'Sealfile:2:1: error: Unknown instruction: COPPY [UnknownInstruction]\n  |\n2 | COPPY a b\n  | ^^^^^\n  hint: Did you mean COPY?\n',
		),
		built.stderr,
	);
	const linted = await cli.run(['lint']);
	t.is(linted.exitCode, 1);
	t.regex(linted.stdout, /Sealfile:2:1: error: Unknown instruction: COPPY/);
	t.is(linted.stderr, '');
});

test('lint tells of a base image in the store that is for another platform', async t => {
	const cli = cliIn(t);
	makeContext(join(cli.dir, 'base'), {Sealfile: 'FROM scratch\nCOPY f /\n', f: 'x'});
	makeContext(join(cli.dir, 'app'), {Sealfile: 'FROM base\nCOPY f /\n', f: 'x'});
	t.is(
		await cli.ok('lint', 'app', '--platform', 'linux/arm64'),
		'app/Sealfile: no problems\n',
		'there is no store yet',
	);
	await cli.ok('build', '-t', 'base', '--platform', 'linux/s390x', 'base');
	const {stdout} = await cli.run(['lint', 'app', '--platform', 'linux/arm64']);
	t.regex(
		stdout,
		/Sealfile:1:6: warning: Base image base was pulled with platform "linux\/s390x", expected "linux\/arm64"/,
	);
	t.is(await cli.ok('lint', 'app', '--platform', 'linux/s390x'), 'app/Sealfile: no problems\n');
	t.is((await cli.run(['lint', 'app', '--platform', 'linux/arm64', '--strict'])).exitCode, 1);
	t.regex(await cli.ok('lint', '--rules'), /InvalidBaseImagePlatform/);
});

test('names and labels cannot move the cursor of a terminal', async t => {
	const cli = cliIn(t);
	makeContext(cli.dir, {Sealfile: 'FROM scratch\nLABEL a="\x1b[2J"\nCOPY f /\n', 'f\x1b[31m': 'x', f: 'x'});
	makeContext(join(cli.dir, 'sub'), {Sealfile: 'FROM scratch\nCOPY . /\n', 'f\x1b[31m\n': 'x'});
	await cli.ok('build', '-t', 'a', '.');
	t.true((await cli.ok('inspect', 'a')).includes('a=\\x1b[2J'));
	await cli.ok('build', '-t', 'b', 'sub');
	const tree = await cli.ok('tree', 'b');
	t.true(tree.includes('f\\x1b[31m\\n'), tree);
	t.false(tree.includes('\x1b'));
});

test('a reader of stdout that goes away ends a command with 141 and without a message', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	const child = spawn('sh', ['-c', '{ "$0" "$1" help; echo $? >&2; } | true', process.execPath, cliPath], {
		cwd: cli.dir,
		env: {...process.env, HOME: cli.dir},
	});
	let stderr = '';
	child.stderr.on('data', (chunk: Buffer) => {
		stderr += chunk.toString();
	});
	await new Promise(resolve => child.on('close', resolve));
	t.true(['0\n', '141\n'].includes(stderr), stderr);
});

test('a full disk under stdout is said, with exit code 1', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	const child = spawn(process.execPath, [cliPath, 'save', 'a'], {
		cwd: cli.dir,
		env: {PATH: process.env.PATH, HOME: cli.dir, SEALIMAGE_ROOT: join(cli.dir, 'store')},
		stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
	});
	let stderr = '';
	child.stderr!.on('data', (chunk: Buffer) => {
		stderr += chunk.toString();
	});
	t.is(await new Promise(resolve => child.on('close', resolve)), 1);
	t.regex(stderr, /\[ERR_NO_SPACE\]/);
});

test('a build that runs out of space leaves the store whole', async t => {
	const cli = withContext(t);
	await cli.ok('build', '-t', 'a', 'app');
	writeFileSync(join(cli.dir, 'app/bin/large'), Buffer.alloc(3_000_000, 7));
	const limited = spawn(
		'sh',
		['-c', 'ulimit -f 500; exec "$0" "$1" build -t b --compression none app', process.execPath, cliPath],
		{
			cwd: cli.dir,
			env: {PATH: process.env.PATH, HOME: cli.dir, SEALIMAGE_ROOT: join(cli.dir, 'store')},
		},
	);
	let stderr = '';
	limited.stderr.on('data', (chunk: Buffer) => {
		stderr += chunk.toString();
	});
	t.is(await new Promise(resolve => limited.on('close', resolve)), 1, stderr);
	t.regex(stderr, /\[ERR_NO_SPACE\]/);
	t.is(((await cli.json('images')) as Listed[]).length, 1);
	t.regex(await cli.ok('verify', 'a'), /^ok/);
	await cli.ok('build', '-t', 'b', 'app');
	t.regex(await cli.ok('verify', 'b'), /^ok/);
});

const interrupts = test.macro({
	async exec(t, flags: string[], last: string) {
		const cli = withContext(t);
		const env = {PATH: process.env.PATH, HOME: cli.dir, SEALIMAGE_ROOT: join(cli.dir, 'store')};
		const child = spawn(process.execPath, [cliPath, 'load', ...flags], {cwd: cli.dir, env});
		let stderr = '';
		child.stderr.on('data', (chunk: Buffer) => {
			stderr += chunk.toString();
		});
		child.stdin.on('error', () => {});
		// Loading waits for the rest of an archive that never comes.
		child.stdin.write(Buffer.alloc(100_000));
		while (!existsSync(join(cli.dir, 'store/oci-layout'))) await new Promise(resolve => setTimeout(resolve, 20));
		child.kill('SIGINT');
		t.is(await new Promise(resolve => child.on('close', resolve)), 130, stderr);
		t.is(stderr.trimEnd().split('\n').at(-1), last);
		t.deepEqual(await cli.json('images'), []);
		const left = readdirSync(join(cli.dir, 'store'), {recursive: true, encoding: 'utf8'});
		t.deepEqual(
			left.filter(path => path.includes('archive')),
			[],
		);
	},
	title: (_, flags: string[]) => `Ctrl-C stops load ${flags.join(' ')} with 130 and leaves nothing half-written`,
});

test(interrupts, [], 'Interrupted');
test(interrupts, ['--output', 'json'], '{"error":{"code":"ERR_ABORTED","message":"Interrupted"}}');
