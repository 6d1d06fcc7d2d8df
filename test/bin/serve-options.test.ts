import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, writeFileSync} from 'node:fs';
import {request} from 'node:https';
import {join, resolve} from 'node:path';
import {createInterface} from 'node:readline';
import test, {type ExecutionContext} from 'ava';
import {startRegistry} from '../helpers/registry.js';
import {cliIn, cliPath} from '../helpers/run-cli.js';
import {basic, htpasswdLine, tokenHash} from '../helpers/server-access.js';
import {tempDir, writeFiles} from '../helpers/temp-dir.js';

interface Served {
	readonly child: ChildProcess;
	readonly url: string;
	stop(): Promise<void>;
}

async function serve(t: ExecutionContext, dir: string, ...argv: readonly string[]): Promise<Served> {
	const child = spawn(process.execPath, [cliPath, 'serve', '--root', 'registry', '-q', ...argv], {
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
	return {
		child,
		url,
		async stop() {
			child.kill('SIGTERM');
			t.deepEqual(await once(child, 'exit'), [0, null]);
		},
	};
}

const loopback = ['--listen', '127.0.0.1:0'];

test('serve with users and tokens asks who it is, and logs who it was', async t => {
	const dir = tempDir(t);
	writeFileSync(join(dir, 'users'), htpasswdLine('alice', 'wonder'));
	writeFileSync(join(dir, 'tokens'), `- {name: ci, hash: '${tokenHash('ci-secret')}', push: shop/**}\n`);
	const flags = ['--htpasswd', 'users', '--token', 'tokens', '--access-log', 'log', '--metrics'];
	const {url, stop} = await serve(t, dir, ...loopback, ...flags);
	const status = async (path: string, authorization?: string, method = 'GET'): Promise<number> =>
		(await fetch(`${url}${path}`, {method, headers: authorization === undefined ? {} : {authorization}})).status;
	t.is(await status('/v2/'), 401);
	t.is(await status('/v2/', basic('alice', 'wonder')), 200);
	t.is(await status('/v2/shop/web/blobs/uploads/', basic('ci', 'ci-secret'), 'POST'), 202);
	t.is(await status('/v2/other/blobs/uploads/', 'Bearer ci-secret', 'POST'), 403);
	t.is(await status('/healthz'), 200);
	t.is(await status('/metrics'), 200);
	await stop();
	const lines = readFileSync(join(dir, 'log'), 'utf8').trim().split('\n');
	t.deepEqual(
		lines.map(line => JSON.parse(line) as {user?: string; status: number}).map(({user, status: code}) => [user, code]),
		[
			[undefined, 401],
			['alice', 200],
			['ci', 202],
			['ci', 403],
			[undefined, 200],
			[undefined, 200],
		],
	);
});

test('serve with a certificate speaks TLS', async t => {
	const flags = [
		'--tls-cert',
		resolve('test/fixtures/tls/server.crt'),
		'--tls-key',
		resolve('test/fixtures/tls/server.key'),
	];
	const {url, stop} = await serve(t, tempDir(t), ...loopback, ...flags);
	t.regex(url, /^https:\/\/127\.0\.0\.1:\d+$/);
	const asked = request(`${url}/v2/`, {ca: readFileSync('test/fixtures/tls/ca.crt')});
	asked.end();
	const [response] = (await once(asked, 'response')) as [{statusCode: number; resume(): void}];
	t.is(response.statusCode, 200);
	response.resume();
	await stop();
});

test('serve with users may listen beyond this machine', async t => {
	const dir = tempDir(t);
	writeFileSync(join(dir, 'users'), htpasswdLine('alice', 'wonder'));
	const {stop} = await serve(t, dir, '--listen', '0.0.0.0:0', '--htpasswd', 'users', '--anonymous-pull');
	await stop();
});

test('serve with an upstream fetches what is missing, with the login for it', async t => {
	const upstream = await startRegistry(t);
	const digest = upstream.image('team/app:v1');
	upstream.intercept = (asked, response) => {
		if (asked.headers.authorization === basic('me', 'pass')) return false;
		response.writeHead(401, {'www-authenticate': 'Basic realm="x"'});
		response.end();
		return true;
	};
	const dir = tempDir(t);
	const auth = Buffer.from('me:pass').toString('base64');
	writeFileSync(join(dir, 'auth.json'), JSON.stringify({auths: {[upstream.host]: {auth}}}));
	const flags = ['--upstream', `up.example=http://${upstream.host}`, '--authfile', 'auth.json', '--limit', 'uploads=5'];
	const {url, stop} = await serve(t, dir, ...loopback, ...flags);
	const reply = await fetch(`${url}/v2/team/app/manifests/v1?ns=up.example`);
	t.is(reply.status, 200);
	t.is(reply.headers.get('docker-content-digest'), digest);
	await stop();
});

test('our own client logs in, pushes and pulls where anybody may pull', async t => {
	const dir = tempDir(t);
	writeFileSync(join(dir, 'users'), htpasswdLine('alice', 'wonder'));
	const {url, stop} = await serve(t, dir, ...loopback, '--htpasswd', 'users', '--anonymous-pull');
	const {host} = new URL(url);
	const cli = cliIn(t);
	writeFiles(cli.dir, {'context/Sealfile': 'FROM scratch\nCOPY f /f\n', 'context/f': 'hello'});
	await cli.ok('build', '-q', '-t', 'localhost/app:v1', 'context');
	const refusedPush = await cli.run(['push', 'localhost/app:v1', `docker://${host}/team/app:v1`]);
	t.not(refusedPush.exitCode, 0);
	t.regex(refusedPush.stderr, /ERR_REGISTRY_UNAUTHORIZED/);
	const login = await cli.run(['login', '--username', 'alice', '--password-stdin', host], {input: 'wonder'});
	t.is(login.exitCode, 0, login.stderr);
	await cli.ok('push', 'localhost/app:v1', `docker://${host}/team/app:v1`);
	const nobody = cliIn(t);
	t.regex(await nobody.ok('search-tags', `${host}/team/app`), /v1/);
	await nobody.ok('pull', `${host}/team/app:v1`);
	const wrong = await nobody.run(['login', '--username', 'alice', '--password-stdin', host], {input: 'no'});
	t.not(wrong.exitCode, 0);
	await stop();
});

test('a cache that is killed in the middle of a blob fetches it again, and keeps nothing of the half', async t => {
	const upstream = await startRegistry(t);
	const bytes = Buffer.alloc(3_000_000, 'cached ');
	const {digest} = upstream.blob(bytes);
	let isHeld = true;
	upstream.intercept = (asked, response) => {
		if (!isHeld || asked.url?.endsWith(digest) !== true) return false;
		response.writeHead(200, {'content-length': bytes.length});
		response.write(bytes.subarray(0, 2_000_000));
		return true;
	};
	const dir = tempDir(t);
	const flags = [...loopback, '--upstream', `up.example=http://${upstream.host}`];
	for (let round = 0; round < 3; round++) {
		const killed = await serve(t, dir, ...flags);
		const reply = await fetch(`${killed.url}/v2/up.example/team/app/blobs/${digest}`);
		const reader = reply.body?.getReader();
		await reader?.read();
		killed.child.kill('SIGKILL');
		await once(killed.child, 'exit');
		await t.throwsAsync(async () => {
			while ((await reader?.read())?.done === false);
		});
	}
	isHeld = false;
	const {url, stop} = await serve(t, dir, ...flags);
	const reply = await fetch(`${url}/v2/up.example/team/app/blobs/${digest}`);
	t.true(Buffer.from(await reply.arrayBuffer()).equals(bytes));
	await stop();
});

const refused = test.macro({
	async exec(t, flags: readonly string[], message: RegExp) {
		const {dir, run} = cliIn(t);
		writeFileSync(join(dir, 'users'), 'alice:secret\n');
		const {exitCode, stdout, stderr} = await run(['serve', '--root', 'registry', ...loopback, ...flags]);
		t.not(exitCode, 0);
		t.is(stdout, '');
		t.regex(stderr, message);
	},
	title: (_, flags: readonly string[]) => `serve ${flags.join(' ')} is refused`,
});

test(refused, ['--tls-cert', 'x.crt'], /TLS needs both --tls-cert and --tls-key/);
test(refused, ['--tls-cert', 'x.crt', '--tls-key', 'x.key'], /x\.(?:crt|key): it does not exist/);
test(refused, ['--htpasswd', 'nowhere'], /nowhere: it does not exist/);
test(refused, ['--htpasswd', 'users'], /Line 1 of .*users has no bcrypt hash for "alice"/);
test(refused, ['--token-issuer', 'x'], /need --token-issuer, --token-key, --token-service and --token-realm/);
test(refused, ['--upstream', 'nonsense'], /is no registry/);
test(refused, ['--limit', 'uploads=none'], /--limit is NAME=NUMBER/);
test(refused, ['--limit', 'speed=1'], /--limit is NAME=NUMBER/);
test(refused, ['--access-log', 'nowhere/log'], /The access log nowhere\/log cannot be written/);
