import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import test, {type ExecutionContext} from 'ava';
import {cliIn, cliPath} from '../helpers/run-cli.js';
import {tempDir} from '../helpers/temp-dir.js';

interface Served {
	readonly child: ChildProcess;
	/** The first line of stdout. */
	readonly line: string;
}

async function serve(t: ExecutionContext, dir: string, ...argv: readonly string[]): Promise<Served> {
	const child = spawn(process.execPath, [cliPath, 'serve', '--listen', '127.0.0.1:0', ...argv], {
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	return {child, line};
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
	test(`serve says where it listens, answers, and ends with 0 on ${signal}`, async t => {
		const {child, line} = await serve(t, tempDir(t), '--root', 'registry');
		const [, url] = /^Serving the registry folder .*registry on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
		t.is((await fetch(`${url}/v2/`)).status, 200);
		child.kill(signal);
		t.deepEqual(await once(child, 'exit'), [0, null]);
	});
}

test('serve --output json prints one object', async t => {
	const {line} = await serve(t, tempDir(t), '--root', 'registry', '--output', 'json');
	const {url, address} = JSON.parse(line) as {url: string; address: {host: string; port: number}};
	t.is(url, `http://127.0.0.1:${address.port}`);
	t.is((await fetch(`${url}/v2/_catalog`)).status, 200);
});

test('serve without a folder serves the images of the store', async t => {
	const {line} = await serve(t, tempDir(t), '--quiet');
	const catalog = await fetch(`${line}/v2/_catalog`);
	t.deepEqual(await catalog.json(), {repositories: []});
});

test('serve --read-only refuses pushes, --no-delete deletes', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'registry/docker/registry/v2'), {recursive: true});
	const readOnly = await serve(t, dir, '--root', 'registry', '--read-only', '-q');
	t.is((await fetch(`${readOnly.line}/v2/a/blobs/uploads/`, {method: 'POST'})).status, 405);
	const kept = await serve(t, dir, '--root', 'registry', '--no-delete', '-q', '--notice', 'Hello');
	t.is((await fetch(`${kept.line}/v2/a/blobs/uploads/`, {method: 'POST'})).status, 202);
	const refused = await fetch(`${kept.line}/v2/a/manifests/v1`, {method: 'DELETE'});
	t.is(refused.status, 405);
	t.is(refused.headers.get('warning'), '299 - "Hello"');
});

const refuses = test.macro<[argv: readonly string[], exitCode: number, stderr: RegExp]>({
	async exec(t, argv, exitCode, stderr) {
		const cli = cliIn(t);
		writeFileSync(join(cli.dir, 'file'), '');
		mkdirSync(join(cli.dir, 'other'));
		writeFileSync(join(cli.dir, 'other/file'), '');
		const result = await cli.run(['serve', ...argv]);
		t.regex(result.stderr, stderr);
		t.is(result.exitCode, exitCode);
	},
	title: (_, argv) => `serve ${argv.join(' ')} is refused`,
});

test(refuses, ['--root', 'other'], 1, /other is no registry folder: it has other content/);
test(refuses, ['--root', 'missing', '--read-only'], 1, /missing is no registry folder: it does not exist/);
test(refuses, ['--root', 'file'], 1, /ERR_REGISTRY_DIR/);
test(refuses, ['--root', 'r', '--listen', '0.0.0.0:0'], 2, /ERR_SERVER_EXPOSED.*--insecure-listen/s);
test(refuses, ['--root', 'r', '--listen', ':0'], 2, /ERR_SERVER_EXPOSED/);
test(refuses, ['--root', 'r', '--listen', '192.0.2.1:0', '--insecure-listen'], 1, /this machine has no such address/);
test(refuses, ['--listen', '5000'], 2, /"5000" has no host\b.*Write 127\.0\.0\.1:5000/s);
test(refuses, ['--listen', 'a:b'], 2, /"a:b" is no address to listen on/);
test(refuses, ['--listen', '127.0.0.1:70000'], 2, /is no address to listen on/);
test(refuses, ['--listen', '[nonsense]:1'], 2, /is no address to listen on/);
test(refuses, ['--listen', ''], 2, /is no address to listen on/);

test('serve says that another program listens there', async t => {
	const other = createServer().listen(0, '127.0.0.1');
	t.teardown(() => other.close());
	await once(other, 'listening');
	const {port} = other.address() as {port: number};
	const {stderr, exitCode} = await cliIn(t).run(['serve', '--root', 'r', '--listen', `127.0.0.1:${port}`]);
	t.regex(stderr, /another program listens there \[ERR_SERVER_LISTEN\]/);
	t.is(exitCode, 1);
});
