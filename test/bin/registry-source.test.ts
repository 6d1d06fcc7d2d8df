import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {startProxy} from '../helpers/proxy.js';
import {startRegistry} from '../helpers/registry.js';
import {type Cli, cliIn} from '../helpers/run-cli.js';
import {serveTls, tlsFixture, tlsFixturePath} from '../helpers/tls-server.js';

/** The error that a pull ends with: nobody here has the image. */
async function pullError(cli: Cli, name: string, flags: readonly string[] = [], env = {}): Promise<string> {
	const {stderr} = await cli.run(['pull', ...flags, name], {env});
	return /\[(ERR_\w+)\]/.exec(stderr.slice(stderr.indexOf('error:')))?.[1] ?? stderr;
}

const notFound = 'ERR_IMAGE_UNKNOWN';

test('an authority is found in --cert-dir, in certs.d, in SSL_CERT_FILE and in NODE_EXTRA_CA_CERTS', async t => {
	const host = await serveTls(t, 'server.crt', (_, response) => response.writeHead(404).end('{}'));
	const cli = cliIn(t);
	const name = `${host}/a:1`;
	const ca = tlsFixturePath('ca.crt');
	t.is(await pullError(cli, name), 'ERR_REGISTRY_TLS');
	t.is(await pullError(cli, name, ['--insecure', host]), notFound);
	t.is(await pullError(cli, name, [], {SSL_CERT_FILE: ca}), notFound);
	t.is(await pullError(cli, name, [], {NODE_EXTRA_CA_CERTS: ca}), notFound);
	t.is(await pullError(cli, name, [], {SSL_CERT_FILE: ca, SEALIMAGE_TRUST: 'bundled'}), 'ERR_REGISTRY_TLS');
	mkdirSync(join(cli.dir, 'mine'));
	writeFileSync(join(cli.dir, 'mine/ca.crt'), tlsFixture('ca.crt'));
	t.is(await pullError(cli, name, ['--cert-dir', 'mine']), notFound);
	t.is(await pullError(cli, name, ['--cert-dir', 'none']), 'ERR_REGISTRY_CONFIG');
	const folder = join(cli.dir, '.config/containers/certs.d', host);
	mkdirSync(folder, {recursive: true});
	writeFileSync(join(folder, 'ca.crt'), tlsFixture('ca.crt'));
	t.is(await pullError(cli, name), notFound);
});

test('--hosts-dir and --registries-conf lead elsewhere', async t => {
	const registry = await startRegistry(t);
	const cli = cliIn(t);
	const file = join(cli.dir, 'certs.d/registry.example.com/hosts.toml');
	mkdirSync(join(file, '..'), {recursive: true});
	writeFileSync(file, `server = "http://${registry.host}"`);
	const name = 'registry.example.com/a:1';
	t.is(await pullError(cli, name, ['--hosts-dir', 'certs.d']), notFound);
	writeFileSync(
		join(cli.dir, 'rules.conf'),
		`[[registry]]\nprefix = "registry.example.com"\nlocation = "${registry.host}"`,
	);
	t.is(await pullError(cli, name, ['--registries-conf', 'rules.conf']), notFound);
	t.is(await pullError(cli, name, [], {CONTAINERS_REGISTRIES_CONF: 'rules.conf'}), notFound);
	t.is(await pullError(cli, name, ['--registries-conf', 'none.conf']), 'ERR_REGISTRY_CONFIG');
	mkdirSync(join(cli.dir, '.config/containers'), {recursive: true});
	writeFileSync(join(cli.dir, '.config/containers/registries.conf'), readFileSync(join(cli.dir, 'rules.conf')));
	t.is(await pullError(cli, name), notFound);
	writeFileSync(join(cli.dir, 'rules.conf'), '[[registry]]\nlocation = "registry.example.com"\nblocked = true');
	t.is(await pullError(cli, name, ['--registries-conf', 'rules.conf']), 'ERR_REGISTRY_BLOCKED');
	writeFileSync(join(cli.dir, 'rules.conf'), '[[registry]]\nlocation = ');
	t.is(await pullError(cli, name, ['--registries-conf', 'rules.conf']), 'ERR_TOML');
});

const proxies = test.macro({
	async exec(t, env: (proxy: string) => Readonly<Record<string, string>>, isAsked: boolean) {
		const registry = await serveTls(t, 'wrong-name.crt', (_, response) => response.writeHead(404).end('{}'));
		const proxy = await startProxy(t, registry);
		const settings = {...env(proxy.host), SSL_CERT_FILE: tlsFixturePath('ca.crt')};
		// Without the proxy nobody answers there, and no name has to be looked up.
		const [host, code] = isAsked ? ['registry.example.com', notFound] : ['0.0.0.0:1', 'ERR_REGISTRY_UNREACHABLE'];
		t.is(await pullError(cliIn(t), `${host}/a:1`, [], settings), code);
		t.is(proxy.requests[0], isAsked ? 'CONNECT registry.example.com:443' : undefined);
	},
	title: (_, env: (proxy: string) => Readonly<Record<string, string>>, isAsked: boolean) =>
		`${isAsked ? 'asks' : 'does not ask'} the proxy of ${JSON.stringify(env('proxy')).replaceAll('"', '')}`,
});

test(proxies, proxy => ({HTTPS_PROXY: proxy}), true);
test(proxies, proxy => ({https_proxy: `http://${proxy}`}), true);
test(proxies, proxy => ({https_proxy: proxy, HTTPS_PROXY: '127.0.0.1:1'}), true);
test(proxies, proxy => ({HTTPS_PROXY: proxy, NO_PROXY: 'example.org,10.0.0.0/8'}), true);
test(proxies, proxy => ({HTTPS_PROXY: proxy, NO_PROXY: '0.0.0.0'}), false);
test(proxies, proxy => ({HTTPS_PROXY: proxy, no_proxy: 'example.org, 0.0.0.0/8'}), false);
test(proxies, proxy => ({HTTPS_PROXY: proxy, NO_PROXY: '*'}), false);
test(proxies, proxy => ({HTTP_PROXY: proxy}), false);

test('--creds are for the registry of the command, and no other', async t => {
	const [home, other] = [await startRegistry(t), await startRegistry(t)];
	for (const registry of [home, other]) {
		registry.intercept = (_, response) =>
			Boolean(response.writeHead(401, {'www-authenticate': 'Basic realm="r"'}).end());
	}
	const cli = cliIn(t);
	mkdirSync(join(cli.dir, 'certs.d/registry.example.com'), {recursive: true});
	writeFileSync(
		join(cli.dir, 'certs.d/registry.example.com/hosts.toml'),
		`server = "http://${home.host}"\n[host."http://${other.host}"]`,
	);
	const {stderr} = await cli.run(['pull', '--creds', 'ann:p', '--hosts-dir', 'certs.d', 'registry.example.com/a:1']);
	t.regex(stderr, /wants credentials|refuses the password/);
	t.deepEqual(
		other.authorizations.filter(one => one !== undefined),
		[],
	);
});

test('a login is for the host that was named, whatever the rules of podman say', async t => {
	const [named, location] = [await startRegistry(t), await startRegistry(t)];
	named.intercept = (_, response) => Boolean(response.end('{}'));
	const cli = cliIn(t);
	writeFileSync(
		join(cli.dir, 'rules.conf'),
		`[[registry]]\nprefix = "${named.host}"\nlocation = "${location.host}"\nblocked = true`,
	);
	const argv = ['login', '-u', 'ann', '--password-stdin', '--registries-conf', 'rules.conf', named.host];
	t.is((await cli.run(argv, {input: 'p'})).exitCode, 0);
	t.deepEqual(location.requests, []);
});

test('ADD trusts the authorities of the system too', async t => {
	const host = await serveTls(t, 'server.crt', (_, response) => response.end('content'));
	const cli = cliIn(t);
	mkdirSync(join(cli.dir, 'app'));
	writeFileSync(join(cli.dir, 'app/Sealfile'), `FROM scratch\nADD https://${host}/file /\n`);
	const build = ['build', '-t', 'app', 'app'];
	t.regex((await cli.run(build)).stderr, /not trusted \[ERR_/);
	t.is((await cli.run(build, {env: {SSL_CERT_FILE: tlsFixturePath('ca.crt')}})).exitCode, 0);
});
