import {once} from 'node:events';
import {type AddressInfo, createServer} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import {createAuthority, issueLeaf} from '../../../../lib/runtime/pki/authority.js';
import {
	checkHostCertificates,
	type HostCertificates,
	judgeCertificates,
} from '../../../../lib/runtime/pki/check/check.js';
import {parseObserved} from '../../../../lib/runtime/pki/check/observe.js';
import {authorityPlaces, pair} from '../../../../lib/runtime/pki/cluster/places.js';
import type {HostFinding} from '../../../../lib/runtime/preflight/finding.js';
import {createLocalTransport} from '../../../../lib/runtime/transport/local/local.js';
import {pkiNow, planAll, textOf, threeMasters, written} from '../../../helpers/cluster-pki.js';
import {manifest, serveTls, writePki, writeText} from '../../../helpers/pki-root.js';
import {shellTransport} from '../../../helpers/shell-transport.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const plans = planAll(threeMasters);

/** The disk of the first master. */
async function masterRoot(t: ExecutionContext): Promise<string> {
	const root = tempDir(t);
	writePki(root, (await plans)[0]!.files);
	return root;
}

async function check(t: ExecutionContext, root: string, live = false): Promise<HostCertificates> {
	const transport = createLocalTransport({host: 'm1'});
	t.teardown(() => transport.close());
	return await checkHostCertificates(transport, {root, now: pkiNow, live, as: 'login'});
}

function judge(checked: HostCertificates, days?: number, now = pkiNow): readonly string[] {
	return judgeCertificates([checked], {now, days}).map(shown);
}

function shown({id, severity, what}: HostFinding): string {
	return `${severity} ${id}: ${what}`;
}

test('a master that was made here has 99 years left everywhere, and nothing to complain of', async t => {
	const checked = await check(t, await masterRoot(t));
	t.deepEqual(judge(checked, 36_160), []);
	t.deepEqual(
		checked.rows.filter(({chain, daysLeft}) => chain !== 'ok' || daysLeft < 99 * 365.25),
		[],
	);
	t.deepEqual(checked.rows.map(({item}) => item).toSorted(), [
		'admin.conf',
		'apiserver',
		'apiserver-etcd-client',
		'apiserver-kubelet-client',
		'ca',
		'controller-manager',
		'controller-manager.conf',
		'etcd/ca',
		'etcd/healthcheck-client',
		'etcd/peer',
		'etcd/server',
		'front-proxy-ca',
		'front-proxy-client',
		'kubelet-client-current.pem',
		'kubelet.crt',
		'lb.kubeconfig',
		'scheduler',
		'scheduler.conf',
	]);
});

test('no private key leaves the host, not from a damaged file either', async t => {
	const root = await masterRoot(t);
	const key = textOf(written(await plans).get('m1'), authorityPlaces.kubernetes.key);
	const body = key.split('\n').slice(1, -2);
	writeText(root, '/etc/kubernetes/pki/torn.crt', `-----BEGIN CERTIFICATE-----\nAAAA\n${key}`);
	writeText(
		root,
		'/etc/kubernetes/pki/joined.crt',
		`-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE----------BEGIN EC PRIVATE KEY-----\n${body.join('\n')}\n`,
	);
	writeText(root, '/etc/kubernetes/pki/only.crt', key);
	const {observed} = await check(t, root);
	const all = JSON.stringify([[...observed.files], [...observed.kubeconfigs]]);
	t.true(body.every(line => !all.includes(line)));
	t.notRegex(all, /PRIVATE|client-key/);
});

test('what ends, is damaged, foreign, short or signed by itself is found', async t => {
	const root = await masterRoot(t);
	const files = written(await plans).get('m1');
	const stranger = await createAuthority({subject: {commonName: 'kubernetes'}, now: pkiNow});
	const put = (place: string, text: string): void => writeText(root, place, text);
	const foreign = await issueLeaf(stranger, {
		subject: {commonName: 'kube-apiserver'},
		purposes: ['server'],
		now: pkiNow,
	});
	put(pair('apiserver').certificate, foreign.certPem);
	put(pair('etcd/server').certificate, textOf(files, pair('apiserver').certificate));
	put(pair('etcd/peer').certificate, 'garbage');
	put(
		'/var/lib/kubelet/pki/kubelet.crt',
		(await issueLeaf(stranger, {subject: {commonName: 'm1@1700000000'}, purposes: ['server'], years: 1, now: pkiNow}))
			.certPem + stranger.certPem,
	);
	const authority = {
		certPem: textOf(files, authorityPlaces.kubernetes.certificate),
		keyPem: new Secret(textOf(files, authorityPlaces.kubernetes.key)),
	};
	const yearly = await issueLeaf(authority, {
		subject: {commonName: 'kube-scheduler'},
		purposes: ['server'],
		years: 1,
		now: pkiNow,
	});
	put(pair('scheduler').certificate, yearly.certPem);
	const conf = textOf(files, '/etc/kubernetes/admin.conf');
	put(
		'/etc/kubernetes/admin.conf',
		conf.replace(/(authority-data: )\S+/, `$1${Buffer.from(stranger.certPem).toString('base64')}`),
	);
	const checked = await check(t, root);
	t.deepEqual(judge(checked), [
		'error certificate-unreadable: /etc/kubernetes/pki/etcd/peer.crt holds no certificate that can be read',
		'error certificate-chain: /etc/kubernetes/pki/apiserver.crt is signed by CN=kubernetes, which is not the authority that it should be from',
		'error certificate-chain: /etc/kubernetes/pki/etcd/server.crt is signed by CN=kubernetes, which is not the authority that it should be from',
		'error kubeconfig-authority: /etc/kubernetes/admin.conf trusts another authority than /etc/kubernetes/pki/ca.crt',
		'warning certificate-self-signed: /var/lib/kubelet/pki/kubelet.crt is signed by itself',
		'warning certificate-short: Made for less than 99 years: scheduler',
	]);
	const states = new Map(checked.rows.map(({item, chain}) => [item, chain]));
	t.is(states.get('etcd/server'), 'another-authority');
	t.is(states.get('apiserver'), 'unknown');
	const soon = judge(await check(t, root), 400).filter(line => line.includes('certificate-ends'));
	t.deepEqual(
		soon,
		[
			'error certificate-ends: /var/lib/kubelet/pki/kubelet.crt ends in 365 days, on 2027-11-21',
			'error certificate-ends: /etc/kubernetes/pki/scheduler.crt ends in 365 days, on 2027-11-21',
		]
			.toSorted((a, b) => b.localeCompare(a))
			.toReversed(),
	);
});

test('a certificate ends when its authority does', async t => {
	const early = await createAuthority({subject: {commonName: 'kubernetes'}, years: 5, now: pkiNow});
	const root = tempDir(t);
	const leaf = await issueLeaf(early, {subject: {commonName: 'kube-apiserver'}, purposes: ['server'], now: pkiNow});
	writeText(root, authorityPlaces.kubernetes.certificate, early.certPem);
	writeText(root, pair('apiserver').certificate, leaf.certPem);
	const {rows} = await check(t, root);
	t.deepEqual(
		rows.map(({item, endsAt}) => [item, endsAt.slice(0, 10)]),
		[
			['apiserver', '2031-11-21'],
			['ca', '2031-11-21'],
		],
	);
});

test('components are asked what they serve, on loopback too', async t => {
	const root = await masterRoot(t);
	const files = written(await plans).get('m1')!;
	const serve = async (name: string): Promise<number> =>
		await serveTls(t, files, pair(name).certificate, pair(name).key);
	const [api, manager, etcd, nobody] = await Promise.all([
		serve('apiserver'),
		serve('scheduler'),
		serve('etcd/server'),
		closedPort(),
	]);
	const put = (name: string, flags: readonly string[]): void =>
		writeText(root, `/etc/kubernetes/manifests/${name}.yaml`, manifest(flags));
	put('kube-apiserver', [`--secure-port=${api}`, `--tls-cert-file=${pair('apiserver').certificate}`]);
	put('kube-controller-manager', [
		'--bind-address=127.0.0.1',
		`--secure-port=${manager}`,
		`--tls-cert-file=${pair('controller-manager').certificate}`,
		'--cluster-signing-duration=876000h',
	]);
	put('kube-scheduler', [`--secure-port=${nobody}`]);
	put('etcd', [
		`--listen-client-urls=https://127.0.0.1:${etcd},https://10.0.0.1:2379`,
		`--cert-file=${pair('etcd/server').certificate}`,
	]);
	const checked = await check(t, root, true);
	t.deepEqual(
		checked.rows
			.filter(({source}) => source === 'served')
			.map(({item, place, chain, subject}) => [item, place, chain, subject]),
		[
			['kube-apiserver', `127.0.0.1:${api}`, 'ok', 'CN=kube-apiserver'],
			['etcd', `127.0.0.1:${etcd}`, 'ok', 'CN=m1'],
			['kube-controller-manager', `127.0.0.1:${manager}`, 'ok', 'CN=kube-scheduler'],
		],
	);
	t.deepEqual(judge(checked), [
		`warning served-another: kube-controller-manager serves another certificate at 127.0.0.1:${manager} than ${pair('controller-manager').certificate}`,
		`warning endpoint-silent: kube-scheduler could not be asked at 127.0.0.1:${nobody}: nothing listens there`,
	]);
});

test('what renews later for less than 99 years is told', async t => {
	const root = await masterRoot(t);
	writeText(root, '/etc/kubernetes/manifests/kube-controller-manager.yaml', manifest(['--bind-address=127.0.0.1']));
	writeText(root, '/var/lib/kubelet/config.yaml', 'rotateCertificates: false\nport: 10250\n');
	t.deepEqual(judge(await check(t, root)), [
		'warning signing-duration: Certificates that kubelets ask for live 365 days',
		'warning kubelet-rotation: The kubelet does not renew its certificate',
	]);
});

test('hosts with different authorities are not of one cluster', async t => {
	const one = await check(t, await masterRoot(t));
	const root = tempDir(t);
	writePki(root, (await planAll(threeMasters))[0]!.files);
	const other = {...(await check(t, root)), host: 'm2'};
	t.deepEqual(
		judgeCertificates([one, other], {now: pkiNow}).map(({id, hosts, what}) => [id, hosts, what]),
		[authorityPlaces.kubernetes, authorityPlaces.etcd, authorityPlaces['front-proxy']].map(({certificate}) => [
			'authorities-differ',
			['m2'],
			`${certificate} is another one than that of m1`,
		]),
	);
});

for (const shell of [['dash'], ['bash', '--norc', '--posix']]) {
	test(`the script runs in ${shell.join(' ')}`, async t => {
		const root = await masterRoot(t);
		const path = process.env.PATH ?? '';
		const checked = await checkHostCertificates(shellTransport(shell, {PATH: path}), {root, now: pkiNow, live: false});
		t.is(checked.rows.length, 18);
	});
}

const refused = test.macro((t, text: string) => {
	t.throws(() => parseObserved(text));
});

test('an answer without its end', refused, 'component etcd\n');
test('an answer with a word that is not known', refused, 'hello there\nend\n');
test('an answer with a path that is none', refused, `pem /a;b ${'QQ=='}\nend\n`);
test('an answer that is no base64', refused, 'pem /a *\nend\n');
test('an answer with too much', refused, `${'pem /a QQ==\n'.repeat(500)}end\n`);

test('a host whose shell says something of its own is named', async t => {
	const transport = shellTransport(['sh', '-c', 'echo hello']);
	await t.throwsAsync(checkHostCertificates(transport, {live: false}), {code: 'ERR_PKI_HOST'});
});

async function closedPort(): Promise<number> {
	const server = createServer();
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const {port} = server.address() as AddressInfo;
	await new Promise(resolve => server.close(resolve));
	return port;
}
