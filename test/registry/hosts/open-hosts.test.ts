import {join} from 'node:path';
import test from 'ava';
import type {Endpoint} from '../../../lib/registry/hosts/endpoint.js';
import {openHosts} from '../../../lib/registry/hosts/open-hosts.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';
import {tlsFixture} from '../../helpers/tls-server.js';

const ca = tlsFixture('ca.crt');

/** What matters, in one line: `origin+base repository uses`. */
function line({origin, basePath, repository, uses, isMirror, namespace}: Endpoint): string {
	const ns = namespace === undefined ? '' : ` ns=${namespace}`;
	return `${isMirror ? 'mirror ' : ''}${origin}${basePath} ${repository} ${uses.join()}${ns}`;
}

test('without files every registry is reached under its own name', async t => {
	const hosts = openHosts({insecure: ['told.io']});
	t.deepEqual((await hosts('docker.io', 'library/redis')).map(line), [
		'https://registry-1.docker.io/v2 library/redis pull,resolve,push',
	]);
	t.like((await hosts('told.io', 'a'))[0], {insecure: true, plainHttp: true, tls: {insecure: true}});
	t.like((await hosts('ghcr.io', 'a'))[0], {insecure: false, plainHttp: false, tls: undefined});
});

test("containerd's hosts.toml: mirrors in order, then the registry itself", async t => {
	const dir = tempDir(t);
	writeFiles(dir, {
		'docker.io/hosts.toml': `[host."https://m.local:5000"]
capabilities = ["pull", "resolve"]
ca = "ca.crt"
dial_timeout = "3s"
[host."http://plain.local"]
`,
		'docker.io/ca.crt': ca,
		'quay.io/hosts.toml': 'server = "https://other.quay.io/v2/q"\noverride_path = true',
	});
	const hosts = openHosts({hostsDir: dir});
	const [first, second, home] = await hosts('docker.io', 'library/redis');
	t.deepEqual([first!, second!, home!].map(line), [
		'mirror https://m.local:5000/v2 library/redis pull,resolve ns=docker.io',
		'mirror http://plain.local/v2 library/redis pull,resolve,push ns=docker.io',
		'https://registry-1.docker.io/v2 library/redis pull,resolve,push',
	]);
	t.like(first, {host: 'm.local:5000', tls: {ca: [ca]}, connectTimeoutMs: 3000, insecure: false, plainHttp: false});
	t.like(second, {insecure: true});
	t.is(home?.host, 'docker.io');
	t.deepEqual((await hosts('quay.io', 'a')).map(line), ['https://other.quay.io/v2/q a pull,resolve,push ns=quay.io']);
	t.deepEqual((await hosts('ghcr.io', 'a')).map(line), ['https://ghcr.io/v2 a pull,resolve,push']);
});

test('a host with a port has a folder of its own, in both spellings; others fall to _default', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {
		'a.io:5000/hosts.toml': 'server = "https://with-colon"',
		'b.io_5000_/hosts.toml': 'server = "https://with-underscores"',
		'_default/hosts.toml': '[host."https://all.local"]\ncapabilities = ["pull"]',
	});
	const hosts = openHosts({hostsDir: dir});
	t.is((await hosts('a.io:5000', 'x'))[0]?.origin, 'https://with-colon');
	t.is((await hosts('b.io:5000', 'x'))[0]?.origin, 'https://with-underscores');
	t.deepEqual((await hosts('c.io', 'x')).map(line), [
		'mirror https://all.local/v2 x pull ns=c.io',
		'https://c.io/v2 x pull,resolve,push',
	]);
});

test('a folder without hosts.toml is one of certificates', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {
		'a.io/ca.crt': ca,
		'a.io/c.cert': tlsFixture('client.crt'),
		'a.io/c.key': tlsFixture('server.key'),
	});
	const [only] = await openHosts({hostsDir: dir})('a.io', 'x');
	t.deepEqual(only?.tls?.ca, [ca]);
	t.is(only?.tls?.client?.length, 1);
	t.is(only?.origin, 'https://a.io');
});

test('a broken hosts.toml is an error, not another way', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'a.io/hosts.toml': 'server = ', 'b.io/hosts.toml': 'ca = "none.crt"'});
	const hosts = openHosts({hostsDir: dir});
	await t.throwsAsync(hosts('a.io', 'x'), {code: 'ERR_TOML', message: /a\.io\/hosts\.toml:1 /});
	await t.throwsAsync(hosts('b.io', 'x'), {code: 'ERR_REGISTRY_CONFIG', message: /none\.crt: it does not exist/});
});

test("containers' registries.conf: mirrors, another location, the longest prefix, drop-ins", async t => {
	const dir = tempDir(t);
	writeFiles(dir, {
		'registries.conf': `[[registry]]
prefix = "docker.io"
location = "hub.local/cache"
[[registry.mirror]]
location = "m.local/hub"
insecure = true
[[registry.mirror]]
location = "tags.local"
pull-from-mirror = "tag-only"
[[registry]]
prefix = "*.corp"
location = "corp.local/all"
[[registry]]
location = "bad.io"
`,
		'conf.d/10.conf': '[[registry]]\nlocation = "bad.io"\nblocked = true',
		'conf.d/readme.txt': 'not toml [',
	});
	const hosts = openHosts({
		registriesConf: [join(dir, 'none.conf'), join(dir, 'registries.conf')],
		registriesConfDirs: [join(dir, 'none.d'), join(dir, 'conf.d')],
	});
	const found = await hosts('docker.io', 'library/redis');
	t.deepEqual(found.map(line), [
		'mirror https://m.local/v2 hub/library/redis pull,resolve',
		'mirror https://tags.local/v2 library/redis resolve',
		'https://hub.local/v2 cache/library/redis pull,resolve,push',
	]);
	t.like(found[0], {insecure: true, host: 'm.local'});
	t.deepEqual((await hosts('x.corp', 'a/b')).map(line), ['https://corp.local/v2 all/a/b pull,resolve,push']);
	t.deepEqual((await hosts('ghcr.io', 'a')).map(line), ['https://ghcr.io/v2 a pull,resolve,push']);
	await t.throwsAsync(hosts('bad.io', 'a'), {
		code: 'ERR_REGISTRY_BLOCKED',
		message: `bad.io/a is blocked by ${join(dir, 'conf.d/10.conf')}`,
	});
});

test('a registries.conf that was named must exist', async t => {
	const path = join(tempDir(t), 'none.conf');
	await t.throwsAsync(openHosts({registriesConf: [path], requiresConf: true})('a.io', 'x'), {
		code: 'ERR_REGISTRY_CONFIG',
		message: `${path}: there is no such file`,
	});
});

test('certificates come from the folder of each host, or from the one that was named', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'certs.d/a.io/ca.crt': ca, 'mine/x.crt': ca});
	const hosts = openHosts({certsDirs: [join(dir, 'certs.d')]});
	t.like((await hosts('a.io', 'x'))[0], {tls: {ca: [ca]}, caPath: join(dir, 'certs.d/a.io/ca.crt')});
	t.like((await hosts('b.io', 'x'))[0], {tls: undefined, caPath: join(dir, 'certs.d/b.io/ca.crt')});
	const named = openHosts({certsDirs: [join(dir, 'certs.d')], certDir: join(dir, 'mine')});
	t.like((await named('b.io', 'x'))[0], {tls: {ca: [ca]}, caPath: join(dir, 'mine/ca.crt')});
	await t.throwsAsync(openHosts({certDir: join(dir, 'none')})('b.io', 'x'), {code: 'ERR_REGISTRY_CONFIG'});
});
