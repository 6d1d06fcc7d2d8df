import test from 'ava';
import {parseToml} from '../../../lib/core/toml.js';
import {containerdProblem} from '../../../lib/runtime/mirror/containerd.js';
import {withMirror, withoutMirror} from '../../../lib/runtime/mirror/hosts-toml.js';

const ours = 'http://127.0.0.1:5443';

const keeps = test.macro((t, theirs: string, hosts: readonly string[]) => {
	const written = withMirror(theirs, 5443, 'hosts.toml');
	t.deepEqual(Object.keys((parseToml(written) as {host: object}).host), [...hosts]);
	t.is(withoutMirror(written), theirs);
	t.is(withMirror(written, 5443, 'hosts.toml'), written, 'a second time changes nothing');
	t.is(withoutMirror(withMirror(written, 6000, 'hosts.toml')), theirs, 'another port takes the place of the first');
});

test('a new file', keeps, '', [ours]);
test('a file with a server', keeps, 'server = "https://a"\n', [ours]);
test('our host comes before the others', keeps, '# mine\nserver = "https://a"\n\n[host."https://a"]\n  ca = "/x"\n', [
	ours,
	'https://a',
]);
test('a file that begins with a table', keeps, '[host."https://a"]\n', [ours, 'https://a']);
test('keys that are lists', keeps, 'capabilities = ["pull"]\n[host."https://a"]\n', [ours, 'https://a']);

const refuses = test.macro((t, theirs: string, message: RegExp) => {
	t.throws(() => withMirror(theirs, 5443, 'hosts.toml'), {code: 'ERR_CONTAINERD_HOSTS', message});
});

test('a file that is no TOML', refuses, 'server = ', /is no TOML/);
test('a file that has this host already', refuses, `[host."${ours}"]\n`, /cannot take another host/);
test('a file whose hosts are all in one value', refuses, 'host = {}\n', /cannot take another host/);
test('a text that looks like a table', refuses, 'x = """\n[host]\n"""\n', /cannot take another host/);

test('a block without its end is left alone', t => {
	const torn = withMirror('', 5443, 'x').split('\n').slice(0, -2).join('\n');
	t.is(withoutMirror(torn), torn);
});

const judges = test.macro((t, dump: string | undefined, problem: RegExp | undefined) => {
	const found = containerdProblem(dump);
	if (problem === undefined) t.is(found, undefined);
	else t.regex(found ?? '', problem);
});
const v2 = '[plugins."io.containerd.grpc.v1.cri".registry]\n';
const v3 = '[plugins."io.containerd.cri.v1.images".registry]\n';

test('no containerd is no problem', judges, undefined, undefined);
test('containerd 1 with the folder', judges, `${v2}config_path = "/etc/containerd/certs.d"`, undefined);
test(
	'containerd 2 with several folders',
	judges,
	`${v3}config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"`,
	undefined,
);
test('containerd as it is installed', judges, `${v2}config_path = ""`, /config_path is not set/);
test('containerd without the plugin', judges, 'version = 2', /config_path is not set/);
test('containerd with another folder', judges, `${v3}config_path = "/etc/other"`, /config_path is \/etc\/other, not/);
test(
	'containerd with mirrors of old',
	judges,
	`${v2}[plugins."io.containerd.grpc.v1.cri".registry.mirrors.x]\n`,
	/rule out config_path/,
);
test('containerd that says nonsense', judges, '= =', /cannot be read/);
test('containerd with a table of another kind', judges, 'plugins = 3', /config_path is not set/);
