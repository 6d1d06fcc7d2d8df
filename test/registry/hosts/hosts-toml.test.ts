import test from 'ava';
import {parseHostsToml} from '../../../lib/registry/hosts/hosts-toml.js';

const file = '/etc/certs.d/docker.io/hosts.toml';

test('reads every field, the hosts in their order and the server last', t => {
	const entries = parseHostsToml(
		`server = "https://registry-1.docker.io"

[host."https://mirror.example.com:8443"]
  capabilities = ["Pull", "resolve"]
  ca = ["ca.crt", "/abs/other.crt"]
  client = [["client.cert", "client.key"], ["/abs/a.cert", "/abs/a.key"]]
  skip_verify = true
  dial_timeout = "1m1.5s"
  [host."https://mirror.example.com:8443".header]
    X-One = "1"
    x-many = ["a", "b"]

[host."http://second.local/v2/mirror"]
  override_path = true
  client = "both.pem"
`,
		file,
	);
	t.is(entries.length, 3);
	const [first, second, server] = entries;
	t.like(first, {
		basePath: '/v2',
		uses: ['pull', 'resolve'],
		ca: ['/etc/certs.d/docker.io/ca.crt', '/abs/other.crt'],
		client: [
			['/etc/certs.d/docker.io/client.cert', '/etc/certs.d/docker.io/client.key'],
			['/abs/a.cert', '/abs/a.key'],
		],
		skipVerify: true,
		connectTimeoutMs: 61_500,
		headers: {'x-one': '1', 'x-many': 'a, b'},
	});
	t.is(first?.url?.origin, 'https://mirror.example.com:8443');
	t.like(second, {
		basePath: '/v2/mirror',
		uses: ['pull', 'resolve', 'push'],
		client: [['/etc/certs.d/docker.io/both.pem', '/etc/certs.d/docker.io/both.pem']],
	});
	t.is(server?.url?.origin, 'https://registry-1.docker.io');
});

test('without a server the registry itself comes last', t => {
	const [only, ...more] = parseHostsToml('', file);
	t.deepEqual(more, []);
	t.is(only?.url, undefined);
	t.is(only?.basePath, '/v2');
});

const hasPath = test.macro({
	exec(t, url: string, fields: string, path: string) {
		t.is(parseHostsToml(`[host."${url}"]\n${fields}`, file)[0]?.basePath, path);
	},
	title: (_, url, fields, path) => `the base of ${url} ${fields} is ${JSON.stringify(path)}`,
});

test(hasPath, 'mirror.local', '', '/v2');
test(hasPath, 'https://mirror.local/', '', '/v2');
test(hasPath, 'https://mirror.local/v2', '', '/v2');
test(hasPath, 'https://mirror.local/v2/proxy', '', '/v2/proxy/v2');
test(hasPath, 'https://mirror.local/v2/proxy', 'override_path = true', '/v2/proxy');
test(hasPath, 'https://mirror.local', 'override_path = true', '');

const refuses = test.macro({
	exec(t, text: string, message: RegExp) {
		const error = t.throws(() => parseHostsToml(text, file), {code: 'ERR_REGISTRY_CONFIG', message});
		t.true(error?.message.startsWith(`${file}: `));
	},
	title: (_, text) => `refuses ${JSON.stringify(text)}`,
});

test(refuses, 'host = 7', /"host" is no table/);
test(refuses, 'server = 7', /"server" is no text/);
test(refuses, 'server = "https://u:p@x"', /is no address of a registry/);
test(refuses, '[host."https://x y"]', /is no address of a registry/);
test(refuses, 'capabilities = ["fly"]', /"capabilities" is not a list of pull, resolve, push/);
test(refuses, '[host."a"]\nskip_verify = "yes"', /"host\."a"\.skip_verify" is not true or false/);
test(refuses, 'dial_timeout = "soon"', /"dial_timeout" is not a duration like "3s"/);
test(refuses, 'ca = 7', /"ca or client" is not the name of a file/);
test(refuses, 'client = [["a"]]', /"client" is not a list of pairs/);
test(refuses, '[header]\n"x y" = "1"', /is not a header/);
test(refuses, '[header]\nx = "a\\nb"', /is not a header/);
