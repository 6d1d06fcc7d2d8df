import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../../lib/core/errors.js';
import {type Clusterfile, readClusterfile, readConfigs} from '../../../lib/runtime/cluster/clusterfile.js';
import {printClusterfile} from '../../../lib/runtime/cluster/print-clusterfile.js';

const example = `
apiVersion: apps.sealos.io/v1beta1
kind: Cluster
metadata:
  name: default
spec:
  image: [labring/kubernetes:v1.27.7, labring/calico:v3.26.1]
  ssh: {user: root, passwd: hunter2, pk: ~/.ssh/id_rsa, port: 22}
  env: ["criData=/data/containerd", "A=a=b $c \\"d\\"", EMPTY=]
  hosts:
    - ips: ["192.168.0.2:22", 192.168.0.3-192.168.0.4]
      roles: [master, amd64]
    - ips: [192.168.0.9]
      roles: [node]
      env: [criData=/big]
status:
  phase: ClusterSuccess
  whatever: sealos notes here
---
apiVersion: apps.sealos.io/v1beta1
kind: Config
metadata: {name: calico}
spec:
  match: labring/calico:v3.26.1
  path: charts/calico/values.yaml
  strategy: merge
  data: |
    mtu: 1400
---
# nothing
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
networking: {podSubnet: 10.1.0.0/16}
`;

test('a Clusterfile of sealos is read', t => {
	t.deepEqual(readClusterfile(example, 'Clusterfile'), {
		name: 'default',
		images: ['labring/kubernetes:v1.27.7', 'labring/calico:v3.26.1'],
		env: {criData: '/data/containerd', A: 'a=b $c "d"', EMPTY: ''},
		hosts: [
			{ips: ['192.168.0.2:22', '192.168.0.3-192.168.0.4'], roles: ['master', 'amd64'], env: {}},
			{ips: ['192.168.0.9'], roles: ['node'], env: {criData: '/big'}},
		],
		configs: [
			{
				name: 'calico',
				match: 'labring/calico:v3.26.1',
				path: 'charts/calico/values.yaml',
				strategy: 'merge',
				data: 'mtu: 1400\n',
			},
		],
		kubeadm: [
			{
				apiVersion: 'kubeadm.k8s.io/v1beta3',
				kind: 'ClusterConfiguration',
				networking: {podSubnet: '10.1.0.0/16'},
			},
		],
	});
});

test('a file of Configs alone is read as they are in a Clusterfile', t => {
	const text =
		'\n---\napiVersion: apps.sealos.io/v1beta1\nkind: Config\nspec: {path: etc/x, data: y, strategy: append}\n';
	t.deepEqual(readConfigs(text, 'config.yml'), [{name: '', match: '', path: 'etc/x', strategy: 'append', data: 'y'}]);
	t.deepEqual(readConfigs('', 'config.yml'), []);
	const other = 'apiVersion: apps.sealos.io/v1beta1\nkind: Cluster\nmetadata: {name: x}\n';
	t.throws(() => readConfigs(`${text}---\n${other}`, 'config.yml'), {
		code: 'ERR_CLUSTERFILE',
		message: /config\.yml:7 .*has a Cluster/,
	});
	t.throws(() => readConfigs('- a\n', 'config.yml'), {code: 'ERR_CLUSTERFILE'});
});

test('what is printed is read as the same', t => {
	const text = fc.string({unit: 'binary', maxLength: 20}).filter(value => !value.includes('{{'));
	const word = fc.constantFrom('a', 'no', '0x10', '1e3', 'null', '10.0.0.1:22', '~', '- a', '"');
	const env = fc.dictionary(fc.constantFrom('A', 'b_2', '_C'), text).map(given => ({...given}));
	const clusterfiles: fc.Arbitrary<Clusterfile> = fc.record(
		{
			name: fc.constantFrom('default', '1', 'a-b'),
			images: fc.array(word, {maxLength: 3}),
			env,
			command: fc.array(text, {minLength: 1, maxLength: 2}),
			hosts: fc.array(fc.record({ips: fc.array(word), roles: fc.array(word), env}), {maxLength: 2}),
			configs: fc.array(
				fc.record({
					name: word,
					match: fc.oneof(word, fc.constant('')),
					path: fc.constantFrom('a', 'etc/b.yaml'),
					strategy: fc.constantFrom('override', 'merge', 'insert', 'append'),
					data: text,
				}),
				{maxLength: 2},
			),
			kubeadm: fc.constantFrom(
				[],
				[
					{
						apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
						kind: 'KubeProxyConfiguration',
						mode: 'ipvs',
						'1': {no: 'on'},
					},
				],
			),
		},
		{requiredKeys: ['name', 'images', 'env', 'hosts', 'configs', 'kubeadm']},
	);
	fc.assert(
		fc.property(clusterfiles, clusterfile => {
			t.deepEqual(readClusterfile(printClusterfile(clusterfile), 'Clusterfile'), clusterfile);
			return true;
		}),
	);
});

test('however hostile the text, there is a Clusterfile or an error with a code', t => {
	fc.assert(
		fc.property(fc.string(), fc.nat(example.length), fc.nat(30), (text, at, length) => {
			for (const broken of [text, example.slice(0, at) + text + example.slice(at + length)]) {
				try {
					readClusterfile(broken, 'Clusterfile');
				} catch (error) {
					if (!isSealError(error)) throw error;
				}
			}
			return true;
		}),
		{numRuns: 300},
	);
	t.pass();
});

const refused = test.macro((t, change: (text: string) => string, message: RegExp, hint: RegExp, line?: number) => {
	const text = change(example);
	t.not(text, example);
	const error = t.throws(() => readClusterfile(text, 'Clusterfile'), {code: 'ERR_CLUSTERFILE', message});
	if (!isSealError(error)) return t.fail();
	t.regex(error.hint ?? '', hint);
	t.is(error.details.line, line);
	if (line !== undefined) t.true(error.message.startsWith(`Clusterfile:${line} `));
});

const swap =
	(from: string, to: string) =>
	(text: string): string =>
		text.replace(from, to);

test(
	'a key that is misspelt',
	refused,
	swap('      roles: [node]', '      role: [node]'),
	/spec\.hosts\[1\]\.role is no key/,
	/Is "roles" meant\?/,
	14,
);
test(
	'a key that means nothing',
	refused,
	swap('  env: [', '  colour: red\n  env: ['),
	/spec\.colour is no key/,
	/Known here are image, ssh/,
	9,
);
test(
	'a key of a login',
	refused,
	swap('passwd:', 'password:'),
	/spec\.ssh\.password is no key/,
	/Is "passwd" meant\?/,
	8,
);
test(
	'a list that is none',
	refused,
	swap('roles: [node]', 'roles: {a: 1}'),
	/spec\.hosts\[1\]\.roles is no list/,
	/dash/,
	14,
);
test('a number where a text must be', refused, swap('EMPTY=', '12'), /spec\.env\[2\] is no text/, /quotes/, 9);
test(
	'a variable without a value',
	refused,
	swap('criData=/big', 'criData'),
	/spec\.hosts\[1\]\.env\[0\] is no variable/,
	/NAME=VALUE/,
	15,
);
test(
	'a name that no file can have',
	refused,
	swap('name: default', 'name: ../etc'),
	/metadata\.name is "\.\.\/etc"/,
	/small letters/,
	5,
);
test(
	'a path that leaves the image',
	refused,
	swap('path: charts/', 'path: ../charts/'),
	/spec\.path leads out of the image/,
	/below the root/,
	25,
);
test(
	'a strategy that is none',
	refused,
	swap('strategy: merge', 'strategy: replace'),
	/spec\.strategy is "replace"/,
	/override, merge, insert, append/,
	26,
);
test(
	'another version',
	refused,
	swap('apiVersion: apps.sealos.io/v1beta1', 'apiVersion: apps.sealos.io/v2'),
	/of apiVersion apps\.sealos\.io\/v2, expected/,
	/Rewrite/,
	2,
);
test(
	'a kind without a meaning',
	refused,
	swap('kind: ClusterConfiguration', 'kind: Deployment'),
	/kind Deployment, which has no meaning/,
	/Known are Cluster, Config/,
	32,
);
test(
	'a document without a kind',
	refused,
	swap('kind: ClusterConfiguration', 'kin: 1'),
	/no apiVersion and kind/,
	/Begin each/,
	32,
);
test(
	'two clusters',
	refused,
	text => `${text}---\napiVersion: apps.sealos.io/v1beta1\nkind: Cluster\n`,
	/2 documents of kind Cluster/,
	/one Cluster/,
	36,
);
test(
	'no cluster',
	refused,
	text => text.slice(text.indexOf('---\n# nothing')),
	/no document of kind Cluster/,
	/one Cluster/,
);
test('a template', refused, swap('name: default', 'name: {{ .Values.name }}'), /it is a template/, /Render it/);
test(
	'a field that kubeadm does not know',
	refused,
	swap('podSubnet', 'podSubnets'),
	/ClusterConfiguration\.networking\.podSubnets is no field/,
	/Is "podSubnet" meant\?/,
	34,
);
