import test from 'ava';
import {parseYaml} from '../../../lib/core/yaml.js';
import {kubeconfigOf, mergeKubeconfig, readAdminAccess, serverUrl} from '../../../lib/runtime/state/kubeconfig.js';
import {createToken} from '../../../lib/runtime/state/token.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';

const adminConf = (user: string): string => `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster: {server: 'https://10.103.97.2:6443', certificate-authority-data: QUFB, proxy-url: 'http://evil'}
users:
- name: kubernetes-admin
  user: ${user}
contexts:
- {name: x, context: {cluster: kubernetes, user: kubernetes-admin}}
`;
const admin = '{client-certificate-data: QkJC, client-key-data: Q0ND}';

async function accessOf(text: string): ReturnType<typeof readAdminAccess> {
	const host = createFakeHost({name: 'm1'}).on('cat', text);
	return await readAdminAccess(host.transport);
}

test('a kubeconfig is made of the three things that log in, and of nothing else that a master says', async t => {
	const access = await accessOf(adminConf(admin.replace('}', ', exec: {command: /bin/evil}}')));
	const config = kubeconfigOf('prod', 'https://10.0.0.1:6443', access);
	t.deepEqual(parseYaml(config.reveal()), [
		{
			apiVersion: 'v1',
			kind: 'Config',
			clusters: [{name: 'prod', cluster: {server: 'https://10.0.0.1:6443', 'certificate-authority-data': 'QUFB'}}],
			users: [{name: 'prod-admin', user: {'client-certificate-data': 'QkJC', 'client-key-data': 'Q0ND'}}],
			contexts: [{name: 'prod', context: {cluster: 'prod', user: 'prod-admin'}}],
			'current-context': 'prod',
			preferences: {},
		},
	]);
	t.notRegex(JSON.stringify(access), /Q0ND/, 'the key is a secret');
});

const noAccess = test.macro({
	async exec(t, text: string) {
		const error = await t.throwsAsync(accessOf(text), {code: 'ERR_CLUSTER_API'});
		t.notRegex(JSON.stringify(error), /Q0ND/);
	},
	title: (title = '') => `a file on a master is no kubeconfig when it ${title}`,
});
test('has no key', noAccess, adminConf('{client-certificate-data: QkJC}'));
test(
	'has a key that is no base64',
	noAccess,
	adminConf('{client-certificate-data: QkJC, client-key-data: "Q0ND\\n- x"}'),
);
test('is no YAML', noAccess, '{client-key-data: Q0ND');
test('is empty', noAccess, '');

test('an address of IPv6 is written with brackets, a name as it is', t => {
	t.is(serverUrl('fd00::1', 6443), 'https://[fd00::1]:6443');
	t.is(serverUrl('10.0.0.1', 7443), 'https://10.0.0.1:7443');
	t.is(serverUrl('api.example', 6443), 'https://api.example:6443');
});

test('merging replaces what was there of this cluster, and leaves everything else', async t => {
	const access = await accessOf(adminConf(admin));
	const first = mergeKubeconfig('', 'prod', 'https://old:6443', access, 'config').reveal();
	const others = mergeKubeconfig(first, 'test', 'https://test:6443', access, 'config').reveal();
	const again = mergeKubeconfig(`${others}extensions: [x]\n`, 'prod', 'https://new:6443', access, 'config').reveal();
	const [config] = parseYaml(again) as [Record<string, never>];
	t.like(config, {'current-context': 'prod', extensions: ['x']});
	t.deepEqual(config.clusters as unknown, [
		{name: 'test', cluster: {server: 'https://test:6443', 'certificate-authority-data': 'QUFB'}},
		{name: 'prod', cluster: {server: 'https://new:6443', 'certificate-authority-data': 'QUFB'}},
	]);
	t.deepEqual(
		(config.users as unknown as {name: string}[]).map(({name}) => name),
		['test-admin', 'prod-admin'],
	);
});

test('a file that is no kubeconfig is not merged into', async t => {
	const access = await accessOf(adminConf(admin));
	for (const text of ['- a list', 'clusters: text', 'a: 1\n---\nb: 2'])
		t.throws(() => mergeKubeconfig(text, 'prod', 'https://x', access, 'config'), {
			code: 'ERR_CLUSTER_API',
			message: /config is no/,
		});
});

const authority = `sha256:${'a'.repeat(64)}`;
test('a token is made on a master, and is a secret', async t => {
	const line = `kubeadm join 10.103.97.2:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash ${authority}`;
	const host = createFakeHost({name: 'm1'}).on(
		'kubeadm',
		`W1122 warning\n${line.replace(' --disc', '     --disc')} \n`,
	);
	const token = await createToken(host.transport, {ttlSeconds: 900});
	t.is(token.command.reveal(), line);
	t.is(token.token.reveal(), 'abcdef.0123456789abcdef');
	t.like(token, {endpoint: '10.103.97.2:6443', authority});
	t.notRegex(JSON.stringify(token), /abcdef/);
	t.true(host.calls[0]?.argv.includes('900s'));
});

test('what kubeadm says of a token is not believed when it is more than that', async t => {
	const line = `kubeadm join $(reboot):6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash ${authority}`;
	const host = createFakeHost({name: 'm1'}).on('kubeadm', line);
	const error = await t.throwsAsync(createToken(host.transport, {ttlSeconds: 900}), {code: 'ERR_CLUSTER_API'});
	t.notRegex(JSON.stringify(error), /abcdef\.0/);
});
