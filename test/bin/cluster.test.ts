import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {formatPlatform, hostPlatform} from '../../lib/oci/platform.js';
import {openStore} from '../../lib/oci/store/store.js';
import {preflightTopics} from '../../lib/runtime/preflight/checks.js';
import {makeImage} from '../helpers/cluster-images.js';
import {type Cli, cliIn} from '../helpers/run-cli.js';
import {type CliWithHosts, cliWithHosts} from '../helpers/ssh-cli.js';
import {generateKey, startSshServer} from '../helpers/ssh-server.js';

const refuses = test.macro(async (t, argv: readonly string[], message: RegExp) => {
	const result = await cliIn(t).run(argv);
	t.is(result.exitCode, 2, result.stderr);
	t.regex(result.stderr, message);
});

test('a cluster without an image', refuses, ['run'], /run needs IMAGE/);
test('a name that no cluster has', refuses, ['run', 'x', '--cluster', 'A_B'], /cannot be the name of a cluster/);
test('a variable that is none', refuses, ['run', 'x', '-e', '1=2'], /is no name of a variable/);
test(
	'an address of nobody',
	refuses,
	['run', 'x', '--masters', 'a', '--address', 'b=10.0.0.1'],
	/names b, which is none of the hosts/,
);
test(
	'an address that is none',
	refuses,
	['run', 'x', '--masters', 'a', '--address', 'a=b'],
	/is not one address of each family/,
);
test(
	'a password that is given twice',
	refuses,
	['run', 'x', '-p', 'a', '--password-file', 'b'],
	/both give the password/,
);
test('nobody to add', refuses, ['add'], /No host was named[\s\S]*--masters and --nodes/);
test('nothing to delete', refuses, ['delete'], /Nothing was named to delete/);
test('hosts and images to delete', refuses, ['delete', 'docker://a/b:c', '--nodes', 'd'], /found both/);
test('a plan of nothing', refuses, ['plan'], /plan takes images, or a Clusterfile/);
test('a plan and a Clusterfile', refuses, ['apply', 'plan.json', '-f', 'Clusterfile'], /found both/);

test('nothing is known of a cluster that is to be taken away', async t => {
	const result = await cliIn(t).run(['reset', '--yes']);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, /Nothing is known here of a cluster "default"[\s\S]*--masters and --nodes/);
});

test('a Clusterfile with a mistake is refused with its line', async t => {
	const cli = cliIn(t);
	writeFileSync(
		join(cli.dir, 'Clusterfile'),
		'apiVersion: apps.sealos.io/v1beta1\nkind: Cluster\nspec:\n  images: [a]\n',
	);
	const result = await cli.run(['apply', '-f', 'Clusterfile']);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, /Clusterfile:4 cannot be used: spec\.images is no key that is known[\s\S]*Is "image" meant/);
});

test('gen prints the flags of run as a Clusterfile, without secrets', async t => {
	const cli = cliIn(t);
	const text = await cli.ok(
		...['gen', 'kubernetes:v1.30.2', 'redis:v7', '--cluster', 'prod', '-e', 'SITE=a b', '-p', 'geheim'],
		...['--masters', '10.0.0.1-10.0.0.3', '--nodes', 'ops@10.0.0.4:2222'],
	);
	t.false(text.includes('geheim'));
	t.is(text, readFileSync('test/bin/golden/gen.yaml', 'utf8'));
	writeFileSync(join(cli.dir, 'Clusterfile'), text);
	t.is(await cli.ok('gen', 'kubernetes:v1.30.2', '--out', 'copy', '--masters', '10.0.0.1'), '');
	const proxied = await cli.ok('gen', 'kubernetes:v1.30.2', '--masters', '10.0.0.1', '--proxy-mode', 'ipvs');
	t.regex(proxied, /kind: KubeProxyConfiguration\nmode: ipvs\n$/);
	t.regex(readFileSync(join(cli.dir, 'copy'), 'utf8'), /kind: Cluster/);
});

test('gen --full has the documents of kubeadm for the version of the image', async t => {
	const cli = cliIn(t);
	await storeRootfs(cli);
	const text = await cli.ok('gen', 'kubernetes:v1.30.2', '--masters', '10.0.0.1', '--full');
	t.regex(text, /kind: ClusterConfiguration/);
	t.regex(text, /kind: KubeletConfiguration/);
	t.notRegex(text, /kind: (?:Init|Join)Configuration/);
	t.notRegex(text, /kubernetesVersion/);
});

test('a host that cannot be reached is told before anything is done', async t => {
	const cli = cliIn(t);
	await storeRootfs(cli);
	const result = await cli.run([
		'run',
		'kubernetes:v1.30.2',
		'--masters',
		'127.0.0.1:1',
		'--ssh-config',
		'none',
		'--yes',
	]);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, /127\.0\.0\.1/);
	t.regex(result.stderr, /ERR_HOST_UNREACHABLE/);
});

test('a wrong password on one of the hosts is told with the host, before anything is done', async t => {
	const cli = await cliWithHosts(t, 2);
	await storeRootfs(cli);
	const other = await startSshServer(t, {keys: [generateKey()], password: 'other'});
	const masters = [...cli.names, `127.0.0.1:${other.port}`].join(',');
	const login = ['--user', 'tester', '--no-agent', '--ssh-config', 'none'];
	const result = await cli.run(['run', 'kubernetes:v1.30.2', '--masters', masters, ...login, '-p', 'right', '--yes']);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, new RegExp(`127\\.0\\.0\\.1:${other.port} +ERR_HOST_PASSWORD`));
	t.regex(result.stderr, /1 of 3 hosts cannot be used; nothing was done \[ERR_CLUSTER_HOSTS\]/);
	t.regex(result.stderr, /can be read by everyone/);
	t.false(result.stderr.includes('right'));
});

test('a plan is the same as long as hosts are, and apply does not do it without being asked', async t => {
	const cli = await cliWithHosts(t, 1);
	await storeRootfs(cli);
	const flags = ['kubernetes:v1.30.2', '--masters', cli.hosts, ...cli.login, '--ignore', allFindings];
	const first = (await cli.json('plan', ...flags)) as {plan: {digest: string; actions: unknown[]}};
	t.true(first.plan.actions.length > 5);
	t.deepEqual(await cli.json('plan', ...flags), first);
	writeFileSync(join(cli.dir, 'plan.json'), JSON.stringify(first));
	const asked = await cli.run(['apply', 'plan.json', ...cli.login, '--ignore', allFindings]);
	t.is(asked.exitCode, 2);
	t.regex(asked.stderr, /apply asks before it changes anything, and this is no terminal/);
	t.regex(asked.stderr, /begin the cluster/);
	t.regex(asked.stderr, new RegExp(first.plan.digest));
});

test('a plan is shown beside what hosts are not fit for, and the exit code tells', async t => {
	const cli = await cliWithHosts(t, 1);
	await storeRootfs(cli);
	// The API server would listen where the host's SSH server does.
	const bindPort = cli.hosts.split(':').at(-1);
	writeFileSync(
		join(cli.dir, 'kubeadm.yaml'),
		`apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\nlocalAPIEndpoint: {bindPort: ${bindPort}}\n`,
	);
	const ignored = preflightTopics.map(({id}) => id).filter(id => id !== 'port-taken');
	const flags = ['--config-file', 'kubeadm.yaml', '--ignore', ignored.join(','), ...cli.login];
	const result = await cli.run(['plan', 'kubernetes:v1.30.2', '--masters', cli.hosts, ...flags]);
	t.is(result.exitCode, 1);
	t.regex(result.stdout, /\[port-taken\][\s\S]*begin the cluster/);
	t.regex(result.stderr, /nothing was done[\s\S]*--ignore port-taken/);
	const json = await cli.run(['plan', 'kubernetes:v1.30.2', '--masters', cli.hosts, ...flags, '--output', 'json']);
	t.is(json.exitCode, 1);
	const {plan, findings} = JSON.parse(json.stdout) as {
		plan: {actions: readonly unknown[]};
		findings: readonly {readonly id: string}[];
	};
	t.true(plan.actions.length > 5);
	t.like(findings, [{id: 'port-taken', severity: 'error'}]);
});

test('a plan that does not follow any more is refused', async t => {
	const cli = await cliWithHosts(t, 1);
	await storeRootfs(cli);
	const flags = ['kubernetes:v1.30.2', '--masters', cli.hosts, ...cli.login, '--ignore', allFindings];
	const kept = (await cli.json('plan', ...flags)) as {wanted: {env: Record<string, string>}};
	kept.wanted.env.SITE = 'b';
	writeFileSync(join(cli.dir, 'plan.json'), JSON.stringify(kept));
	const result = await cli.run(['apply', 'plan.json', ...cli.login, '--ignore', allFindings, '--yes']);
	t.is(result.exitCode, 1);
	t.regex(result.stderr, /ERR_PLAN/);
});

test('a Clusterfile that is a template is rendered with the values that are given', async t => {
	const cli: CliWithHosts = await cliWithHosts(t, 1);
	await storeRootfs(cli);
	writeFileSync(
		join(cli.dir, 'Clusterfile'),
		`apiVersion: apps.sealos.io/v1beta1
kind: Cluster
metadata: {name: {{ .Values.name }}}
spec:
  image: [kubernetes:v1.30.2]
  hosts: [{ips: ["${cli.hosts}"], roles: [master], env: ["RACK={{ .Values.rack.name }}"]}]
`,
	);
	writeFileSync(join(cli.dir, 'values.yaml'), 'name: site-a\nrack: {name: r1}\n');
	const flags = ['--values', 'values.yaml', '--set', 'rack.name=r2', ...cli.login, '--ignore', allFindings];
	const found = (await cli.json('plan', '-f', 'Clusterfile', ...flags)) as {
		wanted: {name: string; hosts: readonly {env: unknown}[]};
	};
	t.is(found.wanted.name, 'site-a');
	t.deepEqual(found.wanted.hosts[0]?.env, {RACK: 'r2'});
});

const allFindings = preflightTopics.map(({id}) => id).join(',');

async function storeRootfs(cli: Cli): Promise<void> {
	const store = await openStore(join(cli.dir, 'store'), {durability: 'none'});
	const files = {'bin/kubeadm*': 'a', 'bin/kubelet*': 'b', 'bin/kubectl*': 'c'};
	await makeImage(store, {
		name: 'docker.io/library/kubernetes:v1.30.2',
		platform: formatPlatform(hostPlatform()),
		trees: [files],
		config: {Labels: {'sealos.io.type': 'rootfs', 'sealos.io.version': 'v1beta1', version: 'v1.30.2'}},
	});
	await store.close();
}
