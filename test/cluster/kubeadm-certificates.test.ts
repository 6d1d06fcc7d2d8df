import {execFile} from 'node:child_process';
import {X509Certificate} from 'node:crypto';
import {copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {createAuthority} from '../../lib/runtime/pki/authority.js';
import type {SharedOptions} from '../../lib/runtime/pki/cluster/authorities.js';
import {describeCluster, type PkiClusterSpec} from '../../lib/runtime/pki/cluster/description.js';
import {certSans, itemsOf} from '../../lib/runtime/pki/cluster/items.js';
import {readKubeconfig} from '../../lib/runtime/pki/cluster/kubeconfig.js';
import {authorityPlaces, kubeletClientPlace} from '../../lib/runtime/pki/cluster/places.js';
import {objectIdentifier} from '../../lib/runtime/pki/der.js';
import {authorityBelow, changes, planAll, written} from '../helpers/cluster-pki.js';
import {writePki} from '../helpers/pki-root.js';
import {makeBinaries} from '../lab/kubernetes/make.js';
import {binariesDir, builtVersion} from '../lab/kubernetes/place.js';
import {inTurn} from './lab-test.js';

// What kubeadm itself says of our certificates. It runs in folders of its own, by chroot: some of its paths cannot be chosen.
const execute = promisify(execFile);
const spec: PkiClusterSpec = {
	kubernetesVersion: builtVersion,
	endpoint: 'api.example:6443',
	virtualAddresses: ['10.103.97.2'],
	apiNames: ['k8s.example'],
	etcdNames: ['etcd.example'],
	masters: [{name: 'm1', address: '10.0.0.1'}],
	// As kubeadm makes them.
	algorithm: 'rsa-2048',
};
let kubeadm = '';

inTurn('beside');
test.before('find kubeadm', t => {
	t.timeout(600_000);
	// As the images of the lab: a user is not surprised by minutes of compiling.
	if (process.env.CI === 'true') makeBinaries();
	const path = join(binariesDir(), 'kubeadm');
	if (existsSync(path) && process.getuid?.() === 0) kubeadm = path;
});

function kubeadmTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	test.serial(title, async t => {
		if (kubeadm !== '') {
			await body(t);
			return;
		}
		t.log('skipped: kubeadm (npm run lab -- kubernetes makes it; needs root)');
		t.pass();
	});
}

kubeadmTest('subjects, uses, names and authorities are those that kubeadm gives', async t => {
	const theirs = newRoot(t);
	await run(theirs, 'init', 'phase', 'certs', 'all');
	await run(theirs, 'init', 'phase', 'kubeconfig', 'all');
	const ours = await madeRoot(t);
	const cluster = describeCluster(spec);
	const items = itemsOf(cluster, cluster.masters[0]!);
	// These two kubeadm does not make.
	const known = items.filter(
		({id}) => !['controller-manager', 'scheduler', 'kubelet', 'kubelet-client', 'lb.kubeconfig'].includes(id),
	);
	t.is(known.length, 10);
	for (const {id, form} of known) {
		const path = form.kind === 'pair' ? form.certificate : form.path;
		t.deepEqual(describe(ours, path), describe(theirs, path), id);
	}
	for (const {certificate} of Object.values(authorityPlaces)) {
		const [our, their] = [describe(ours, certificate), describe(theirs, certificate)];
		t.is(their.usage, 'digitalSignature keyEncipherment keyCertSign');
		t.is(our.usage, 'digitalSignature keyCertSign cRLSign', 'what an authority does, as strict verifiers want it');
		t.deepEqual({...our, usage: ''}, {...their, usage: ''}, certificate);
	}
	const client = describe(theirs, '/etc/kubernetes/kubelet.conf');
	t.deepEqual({...describe(ours, kubeletClientPlace), server: '', user: ''}, {...client, server: '', user: ''});
	const kubelets = [ours, theirs].map(root => readKubeconfig(read(root, '/etc/kubernetes/kubelet.conf')));
	t.is(kubelets[0]?.server, kubelets[1]?.server);
	t.is(kubelets[0]?.cluster, kubelets[1]?.cluster);
});

const keeps = (title: string, change: Partial<PkiClusterSpec>, given: () => Promise<SharedOptions>): void =>
	kubeadmTest(`kubeadm keeps every file: ${title}`, async t => {
		const root = await madeRoot(t, change, await given());
		const before = snapshot(root);
		const said =
			(await run(root, 'init', 'phase', 'certs', 'all')) + (await run(root, 'init', 'phase', 'kubeconfig', 'all'));
		const names = [
			'ca',
			'apiserver',
			'apiserver-kubelet-client',
			'front-proxy-ca',
			'front-proxy-client',
			'etcd/ca',
			'etcd/server',
		];
		for (const name of [...names, 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'])
			t.regex(said, new RegExp(`Using existing ${name} (?:certificate authority|certificate and key on disk)`), said);
		t.regex(said, /Using the existing "sa" key/);
		for (const name of ['admin', 'kubelet', 'controller-manager', 'scheduler'])
			t.regex(said, new RegExp(`Using existing kubeconfig file: "/etc/kubernetes/${name}.conf"`), said);
		t.notRegex(said, /Generating|Writing|unexpected|NotAfter/);
		t.deepEqual(snapshot(root), before);
	});

keeps('RSA', {}, async () => ({}));
keeps('ECDSA P-256', {algorithm: 'ecdsa-p256'}, async () => ({}));
keeps('an authority of the user under a root', {algorithm: 'ecdsa-p256'}, async () => {
	const root = await createAuthority({subject: {commonName: 'Our root'}, pathLength: 1});
	const signer = await authorityBelow(root, 'Our clusters', 0);
	return {given: {kubernetes: {certPem: signer.certPem + root.certPem, keyPem: signer.keyPem}}};
});
keeps(
	'two families of addresses',
	{
		masters: [{name: 'm1', address: '10.0.0.1', addresses: ['fd00::1']}],
		serviceCidrs: ['10.96.0.0/12', 'fd00:96::/108'],
	},
	async () => ({}),
);

kubeadmTest('kubeadm sees 99 years everywhere; its renewal gives one, which is seen and mended', async t => {
	const root = await madeRoot(t, {algorithm: 'ecdsa-p256'});
	const small = {...spec, algorithm: 'ecdsa-p256'} as const;
	const table = await run(root, 'certs', 'check-expiration');
	const left = [...table.matchAll(/ (\d+)y +/g)].map(match => Number(match[1]));
	t.is(left.length, 13, table);
	t.true(
		left.every(years => years >= 99),
		table,
	);
	await run(root, 'certs', 'renew', 'all');
	const renewed = await run(root, 'certs', 'check-expiration');
	t.is([...renewed.matchAll(/ 364d /g)].length, 10, renewed);
	const found = new Map([['m1', readAll(root)]]);
	const plans = await planAll(small, found, {now: new Date()});
	const mended = changes(plans);
	t.is(mended.length, 10, mended.join('\n'));
	t.true(
		mended.every(line => line.endsWith('not after the 99 years that are promised')),
		mended.join('\n'),
	);
	t.deepEqual(changes(await planAll(small, written(plans, found), {now: new Date()})), []);
});

interface Described {
	readonly subject: string;
	readonly issuer: string;
	readonly isAuthority: boolean;
	readonly purposes: readonly string[];
	readonly names: readonly string[];
	readonly usage: string;
	readonly server: string;
	readonly user: string;
}

/** All of a certificate, or of a kubeconfig with one, that does not change from one making to the next. */
function describe(root: string, path: string): Described {
	const text = read(root, path);
	const config = path.endsWith('.conf') ? readKubeconfig(text) : undefined;
	const x509 = new X509Certificate(config?.certPem ?? text);
	return {
		subject: x509.subject,
		issuer: x509.issuer,
		isAuthority: x509.ca,
		purposes: [...(x509.keyUsage ?? [])].toSorted(),
		names: (x509.subjectAltName ?? '').split(', ').toSorted(),
		usage: usageOf(x509),
		server: config?.server ?? '',
		user: /current-context: (\S+)/.exec(text)?.[1] ?? '',
	};
}

/** The names of the bits of KeyUsage; Node gives those of the extended one alone. */
function usageOf({raw}: X509Certificate): string {
	const at = raw.indexOf(objectIdentifier('2.5.29.15'));
	const bits = raw.indexOf(Buffer.from([0x03, 0x02]), at);
	const byte = raw[bits + 3] ?? 0;
	const names = [
		'digitalSignature',
		'nonRepudiation',
		'keyEncipherment',
		'dataEncipherment',
		'keyAgreement',
		'keyCertSign',
		'cRLSign',
	];
	return names.filter((_, index) => (byte & (0x80 >> index)) !== 0).join(' ');
}

/** A folder in which kubeadm runs as if it were `/`. */
function newRoot(t: ExecutionContext, change: Partial<PkiClusterSpec> = {}): string {
	const root = mkdtempSync(join(tmpdir(), 'sealimage-kubeadm-'));
	t.teardown(() => rmSync(root, {recursive: true, force: true}));
	for (const folder of ['tmp', 'etc/kubernetes', 'proc']) mkdirSync(join(root, folder), {recursive: true});
	copyFileSync(kubeadm, join(root, 'kubeadm'));
	const {serviceCidrs = ['10.96.0.0/12'], etcdNames = []} = {...spec, ...change};
	const sans = certSans(describeCluster({...spec, ...change}));
	writeFileSync(
		join(root, 'config.yaml'),
		`apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.0.0.1}
nodeRegistration: {name: m1, criSocket: /run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: ${builtVersion}
controlPlaneEndpoint: ${spec.endpoint}
networking: {serviceSubnet: '${serviceCidrs.join(',')}'}
apiServer: {certSANs: ${JSON.stringify(sans)}}
etcd: {local: {serverCertSANs: ${JSON.stringify(etcdNames)}, peerCertSANs: ${JSON.stringify(etcdNames)}}}
${serviceCidrs.length > 1 ? 'featureGates: {IPv6DualStack: true}' : ''}
`,
	);
	return root;
}

/** One that holds what we make. */
async function madeRoot(
	t: ExecutionContext,
	change: Partial<PkiClusterSpec> = {},
	options: SharedOptions = {},
): Promise<string> {
	const root = newRoot(t, change);
	const [plan] = await planAll({...spec, ...change}, new Map(), {now: new Date(), ...options});
	writePki(root, plan!.files);
	return root;
}

async function run(root: string, ...words: readonly string[]): Promise<string> {
	const {stdout, stderr} = await execute('chroot', [root, '/kubeadm', ...words, '--config', '/config.yaml'], {
		timeout: 120_000,
	});
	return stdout + stderr;
}

function read(root: string, path: string): string {
	return readFileSync(join(root, path), 'utf8');
}

function readAll(root: string): Map<string, Uint8Array> {
	const cluster = describeCluster(spec);
	const items = itemsOf(cluster, cluster.masters[0]!).flatMap(({form}) =>
		form.kind === 'pair' ? [form.certificate, form.key] : [form.path],
	);
	const shared = Object.values(authorityPlaces).flatMap(({certificate, key}) => [certificate, key]);
	const all = [
		...items,
		...shared,
		'/etc/kubernetes/kubelet.conf',
		'/etc/kubernetes/pki/sa.key',
		'/etc/kubernetes/pki/sa.pub',
	];
	return new Map(all.map(path => [path, readFileSync(join(root, path))]));
}

function snapshot(root: string): readonly string[] {
	return [...readAll(root)].map(([path, bytes]) => `${path} ${Buffer.from(bytes).toString('base64')}`);
}
