import {spawn} from 'node:child_process';
import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {installHelper} from '../helpers/credential-helper.js';
import {testWith} from '../helpers/programs.js';
import {startRegistry, type TestRegistry} from '../helpers/registry.js';
import {cliIn, cliPath} from '../helpers/run-cli.js';

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

/** A registry that wants ann's password, for everything. */
async function privateRegistry(t: ExecutionContext): Promise<TestRegistry> {
	const registry = await startRegistry(t);
	registry.intercept = (request, response) => {
		if (request.headers.authorization !== basic('ann:s3:cret')) {
			response.writeHead(401, {'www-authenticate': 'Basic realm="r"'}).end();
			return true;
		}
		if (request.url !== '/v2/') return false;
		response.end('{}');
		return true;
	};
	return registry;
}

test('login checks the password and keeps it where docker has it; logout forgets it', async t => {
	const {host} = await privateRegistry(t);
	const cli = cliIn(t);
	const file = join(cli.dir, '.docker/config.json');
	const {stdout, stderr, exitCode} = await cli.run(['login', '-u', 'ann', '--password-stdin', host], {
		input: 's3:cret\n',
	});
	t.is(exitCode, 0, stderr);
	t.is(stdout, `Logged in to ${host} as ann; the login is kept in ~/.docker/config.json\n`);
	t.is(stderr, '');
	t.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
		auths: {[host]: {auth: Buffer.from('ann:s3:cret').toString('base64')}},
	});
	t.is(statSync(file).mode & 0o777, 0o600);
	t.is(await cli.ok('login', '--get-login', host), 'ann\n');
	t.is(await cli.ok('logout', host), `Removed the login for ${host} from ~/.docker/config.json\n`);
	const again = await cli.run(['logout', host]);
	t.is(again.exitCode, 1);
	t.regex(again.stderr, /No login for 127\.0\.0\.1:\d+ is kept \[ERR_CREDENTIALS\]/);
	t.is((await cli.run(['login', '--get-login', host])).exitCode, 1);
});

test('a wrong password is kept nowhere', async t => {
	const {host} = await privateRegistry(t);
	const cli = cliIn(t);
	const {stderr, exitCode} = await cli.run(['login', '-u', 'ann', '--password-stdin', host], {input: 'wrong'});
	t.is(exitCode, 1);
	t.true(stderr.startsWith(`error: ${host} refuses the password of ann [ERR_REGISTRY_UNAUTHORIZED]\n`), stderr);
	t.regex(stderr, /hint: Check the user and the password\./);
	t.false(stderr.includes('wrong'));
	t.throws(() => statSync(join(cli.dir, '.docker/config.json')), {code: 'ENOENT'});
});

test('what is no registry is said to be none', async t => {
	const registry = await startRegistry(t);
	const {stderr} = await cliIn(t).run(['login', '-u', 'ann', '--password-stdin', registry.host], {input: 'p'});
	t.regex(stderr, /is no registry: it answers 404 to \/v2\/ \[ERR_REGISTRY_RESPONSE\]/);
});

test('a registry that lets everyone in is told apart', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (_, response) => Boolean(response.end('{}'));
	const cli = cliIn(t);
	const {stdout, stderr} = await cli.run(
		['--output', 'json', 'login', '-u', 'ann', '--password-stdin', registry.host],
		{input: 'p'},
	);
	t.like(JSON.parse(stdout), {host: registry.host, username: 'ann', checked: false});
	t.is(stderr, `${registry.host} lets everyone in: it did not look at the login.\n`);
});

test('a token registry is asked for a token without a scope', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (request, response) => {
		const {url = '', headers} = request;
		if (url.startsWith('/token'))
			response.end(JSON.stringify({token: headers.authorization === basic('ann:p') ? 't' : ''}));
		else if (headers.authorization === 'Bearer t') response.end('{}');
		else {
			const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
			response.writeHead(401, {'www-authenticate': challenge}).end();
		}
		return true;
	};
	const cli = cliIn(t);
	const {exitCode, stderr} = await cli.run(['login', '-u', 'ann', '--password-stdin', registry.host], {input: 'p'});
	t.is(exitCode, 0, stderr);
	t.true(registry.requests.includes('GET /token?service=s&account=ann'));
});

test('--authfile and REGISTRY_AUTH_FILE name another file, and a helper keeps what it is told to keep', async t => {
	const {host} = await privateRegistry(t);
	const cli = cliIn(t);
	const {env, storePath} = installHelper(cli.dir, 'pass');
	const login = ['login', '-u', 'ann', '--password-stdin'];
	const input = 's3:cret';
	await cli.run([...login, '--authfile', 'mine.json', host], {input});
	await cli.run([...login, host], {input, env: {REGISTRY_AUTH_FILE: join(cli.dir, 'env.json')}});
	for (const name of ['mine.json', 'env.json'])
		t.truthy(JSON.parse(readFileSync(join(cli.dir, name), 'utf8')).auths[host].auth);
	mkdirSync(join(cli.dir, '.docker'));
	writeFileSync(join(cli.dir, '.docker/config.json'), JSON.stringify({credHelpers: {[host]: 'pass'}}));
	const {stdout} = await cli.run([...login, host], {input, env: {PATH: env.PATH ?? ''}});
	t.is(stdout, `Logged in to ${host} as ann; the login is kept in docker-credential-pass\n`);
	t.deepEqual(JSON.parse(readFileSync(storePath, 'utf8')), {[host]: {Username: 'ann', Secret: input}});
});

test('logout --all empties every file that logins are read from', async t => {
	const cli = cliIn(t);
	const auth = Buffer.from('u:p').toString('base64');
	const files = ['.docker/config.json', 'run/containers/auth.json', '.config/containers/auth.json'];
	for (const [at, file] of files.entries()) {
		mkdirSync(join(cli.dir, file, '..'), {recursive: true});
		writeFileSync(join(cli.dir, file), JSON.stringify({auths: {[`host-${at}.io`]: {auth}}, kept: at}));
	}
	t.deepEqual(await cli.json('logout', '--all'), {
		removed: files.map((file, at) => ({key: `host-${at}.io`, from: `~/${file}`})),
	});
	for (const [at, file] of files.entries())
		t.deepEqual(JSON.parse(readFileSync(join(cli.dir, file), 'utf8')), {auths: {}, kept: at});
	t.is(await cli.ok('logout', '--all'), '');
});

const refuses = test.macro({
	async exec(t, argv: readonly string[], message: string) {
		const {stderr, exitCode} = await cliIn(t).run(argv, {input: ''});
		t.is(exitCode, 2);
		t.true(stderr.startsWith(`error: ${message}`), stderr);
	},
	title: (_, argv: readonly string[]) => `refuses ${argv.join(' ')}`,
});

test(refuses, ['login', 'a.io'], 'There is no terminal to ask for the user [ERR_USAGE]');
test(refuses, ['login', '-u', 'ann', 'a.io'], 'There is no terminal to ask for the password [ERR_USAGE]');
test(refuses, ['login', '--password-stdin', 'a.io'], '--password-stdin needs --username');
test(refuses, ['login', '-u', 'ann', '--password-stdin', 'a.io'], 'The password is empty');
test(refuses, ['login', '-u', 'a:b', '--password-stdin', 'a.io'], 'The name of the user is empty, or has a colon');
test(refuses, ['login', '-u', 'a', '-p', 'b', '--password-stdin', 'a.io'], '--password and --password-stdin are both');
test(refuses, ['login', 'myhost'], 'HOST: "myhost" is no host of a registry: it has neither a dot nor a port');
test(refuses, ['login', 'a.io:x'], 'HOST: ');
test(refuses, ['logout'], 'logout needs HOST, or --all');
test(refuses, ['logout', '--all', 'a.io'], 'logout --all takes no HOST');

test('a password in the arguments warns', async t => {
	const {host} = await privateRegistry(t);
	const {stderr, exitCode} = await cliIn(t).run(['login', '-u', 'ann', '-p', 's3:cret', host]);
	t.is(exitCode, 0);
	t.regex(stderr, /The password in --password can be read by everyone on this machine/);
	t.false(stderr.includes('s3:cret'));
});

test('a refused password says where it came from: each file in its turn, and --creds', async t => {
	const {host} = await privateRegistry(t);
	const cli = cliIn(t);
	const bad = JSON.stringify({auths: {[host]: {auth: Buffer.from('ann:bad').toString('base64')}}});
	const put = (file: string): void => {
		mkdirSync(join(cli.dir, file, '..'), {recursive: true});
		writeFileSync(join(cli.dir, file), bad);
	};
	const said = async (flags: readonly string[] = [], env = {}): Promise<string> =>
		/refuses (.*) \[ERR_/.exec((await cli.run(['pull', ...flags, `${host}/a:1`], {env})).stderr)?.[1] ?? 'nothing';
	// From the last place in the order to the first.
	put('.dockercfg');
	writeFileSync(join(cli.dir, '.dockercfg'), JSON.stringify(JSON.parse(bad).auths));
	t.is(await said(), 'the password of ann from ~/.dockercfg');
	put('.config/containers/auth.json');
	t.is(await said(), 'the password of ann from ~/.config/containers/auth.json');
	put('run/containers/auth.json');
	t.is(await said(), 'the password of ann from ~/run/containers/auth.json');
	put('.docker/config.json');
	t.is(await said(), 'the password of ann from ~/.docker/config.json');
	put('docker2/config.json');
	t.is(await said([], {DOCKER_CONFIG: join(cli.dir, 'docker2')}), 'the password of ann from ~/docker2/config.json');
	put('env.json');
	const env = {REGISTRY_AUTH_FILE: 'env.json'};
	t.is(await said([], env), 'the password of ann from env.json');
	put('flag.json');
	t.is(await said(['--authfile', 'flag.json'], env), 'the password of ann from flag.json');
	t.is(await said(['--authfile', 'flag.json', '--creds', 'ann:bad']), 'the password of ann from --creds');
	t.is(await said(['--creds', 'ann:s3:cret']), 'nothing');
});

testWith('script')('the password is asked for on the terminal, and not shown', async t => {
	const {host} = await privateRegistry(t);
	const {dir} = cliIn(t);
	const line = `'${process.execPath}' '${cliPath}' login ${host}`;
	const child = spawn('script', ['-qefc', line, '/dev/null'], {
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir, TERM: 'xterm', XDG_RUNTIME_DIR: join(dir, 'run')},
	});
	let shown = '';
	const answers = new Map([
		['User of', 'ann\r'],
		['Password of', 's3:cret\r'],
	]);
	child.stdout.on('data', (chunk: Buffer) => {
		shown += chunk.toString();
		for (const [question, answer] of answers) {
			if (!shown.includes(question)) continue;
			answers.delete(question);
			child.stdin.write(answer);
		}
	});
	const exitCode = await new Promise(resolve => {
		child.on('close', resolve);
	});
	t.is(exitCode, 0, shown);
	t.regex(shown, /User of .*: /);
	t.regex(shown, /Password of ann for .*: /);
	t.regex(shown, /Logged in to .* as ann/);
	t.false(shown.includes('s3:cret'));
});
