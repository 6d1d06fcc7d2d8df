import test from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import {parseClusterfile} from '../../../lib/runtime/host/clusterfile.js';

const example = `
apiVersion: apps.sealos.io/v1beta1
kind: Cluster
metadata: {name: default}
spec:
  image: [labring/kubernetes:v1.27.7]
  ssh: {user: root, passwd: hunter2, pk: ~/.ssh/id_rsa, port: 0}
  hosts:
    - ips: ["192.168.0.2:22", 192.168.0.3-192.168.0.4]
      roles: [master, amd64]
    - ips: ["[fd00::5]:2222"]
      roles: [node, arm64]
      ssh: {user: ubuntu, pkData: KEY, pkPasswd: "", port: 2200}
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
`;

test('hosts of a Clusterfile come with roles and logins', t => {
	const hosts = parseClusterfile(example, {shown: 'Clusterfile', home: '/home/me'});
	t.deepEqual(
		hosts.map(({address, roles, login: {user, port}}) => [address, roles, user, port]),
		[
			['192.168.0.2', ['master'], 'root', 22],
			['192.168.0.3', ['master'], 'root', undefined],
			['192.168.0.4', ['master'], 'root', undefined],
			['fd00::5', ['node'], 'ubuntu', 2222],
		],
	);
	t.is(hosts[0]?.login.password?.reveal(), 'hunter2');
	t.deepEqual(hosts[0]?.login.identities, [{file: '/home/me/.ssh/id_rsa'}]);
	const [identity] = hosts[3]?.login.identities ?? [];
	t.is(identity !== undefined && 'key' in identity ? identity.key.reveal() : '', 'KEY');
	t.false(JSON.stringify(hosts).includes('hunter2'));
});

test('what the command line says counts more than the Clusterfile, but not more than a port behind an address', t => {
	const hosts = parseClusterfile(example, {shown: 'Clusterfile', home: '/', overrides: {user: 'ops', port: 2022}});
	t.deepEqual(
		hosts.map(({login: {user, port}}) => [user, port]),
		[
			['ops', 22],
			['ops', 2022],
			['ops', 2022],
			['ops', 2222],
		],
	);
});

test('the user of a Clusterfile that names none is root, as for sealos', t => {
	const text = 'kind: Cluster\nspec: {hosts: [{ips: [a]}]}';
	t.is(parseClusterfile(text, {shown: 'Clusterfile', home: '/'})[0]?.login.user, 'root');
});

const refuses = test.macro<[text: string, code: string, message: RegExp]>({
	exec(t, text, code, message) {
		const error = t.throws(() => parseClusterfile(text, {shown: 'my/Clusterfile', home: '/'}));
		t.true(isSealError(error) && error.code === code, String(error));
		t.regex(error.message, message);
	},
	title: (_, _text, code, message) => `a Clusterfile is refused with ${code}: ${message.source}`,
});

test(refuses, 'kind: Config', 'ERR_CLUSTERFILE', /my\/Clusterfile .*no document of kind Cluster/);
test(refuses, '- 1\n---\nplain', 'ERR_CLUSTERFILE', /no document of kind/);
test(refuses, 'kind: Cluster\nspec: {host: []}', 'ERR_CLUSTERFILE', /spec\.hosts is missing/);
test(refuses, 'kind: Cluster', 'ERR_CLUSTERFILE', /spec is no map/);
test(refuses, 'kind: Cluster\n---\nkind: Cluster', 'ERR_CLUSTERFILE', /2 documents/);
test(refuses, 'kind: Cluster\nspec: {hosts: [{ips: a}]}', 'ERR_CLUSTERFILE', /spec\.hosts\[0\]\.ips is no list/);
test(refuses, 'kind: Cluster\nspec: {hosts: [{ips: [1], roles: []}]}', 'ERR_CLUSTERFILE', /ips\[0\] is no text/);
test(refuses, 'kind: Cluster\nspec: {hosts: {{ .Values.hosts }}}', 'ERR_CLUSTERFILE', /a template/);
test(refuses, 'kind: [', 'ERR_YAML', /not valid YAML/);
test(refuses, 'kind: Cluster\nspec: {hosts: [{ips: [a/8], roles: []}]}', 'ERR_HOST_INVALID', /network/);
test(refuses, 'kind: Cluster\nspec: {ssh: {port: x}, hosts: []}', 'ERR_HOST_INVALID', /port/);
test(refuses, 'kind: Cluster\nspec: {ssh: {user: [x]}, hosts: []}', 'ERR_CLUSTERFILE', /spec\.ssh\.user/);

test('many ranges in a Clusterfile do not use up the memory', t => {
	const hosts = '    - {ips: ["10.0.0.0-10.0.60.0"], roles: [node]}\n'.repeat(2000);
	const error = t.throws(() =>
		parseClusterfile(`kind: Cluster\nspec:\n  hosts:\n${hosts}`, {shown: 'Clusterfile', home: '/'}),
	);
	t.true(isSealError(error) && error.code === 'ERR_HOST_RANGE');
});
