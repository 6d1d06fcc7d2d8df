import {X509Certificate} from 'node:crypto';
import test from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import {createAuthority, issueLeaf} from '../../../../lib/runtime/pki/authority.js';
import {readKubeconfig} from '../../../../lib/runtime/pki/cluster/kubeconfig.js';
import {
	authorityPlaces,
	kubeletClientPlace,
	pair,
	serviceAccountPlaces,
} from '../../../../lib/runtime/pki/cluster/places.js';
import {generateKey} from '../../../../lib/runtime/pki/keys.js';
import {readCertificate} from '../../../../lib/runtime/pki/read-certificate.js';
import {changes, contentOf, pkiNow, planAll, textOf, threeMasters, written} from '../../../helpers/cluster-pki.js';

const first = planAll(threeMasters);

test('a new cluster gets every file at its place, with its mode', async t => {
	const plans = await first;
	const shown = plans.map(({host, files}) => [host, files.map(({path, mode}) => `${mode} ${path}`).toSorted()]);
	const master = [
		'600 /etc/kubernetes/admin.conf',
		'600 /etc/kubernetes/controller-manager.conf',
		'600 /etc/kubernetes/kubelet.conf',
		...['apiserver', 'apiserver-etcd-client', 'apiserver-kubelet-client', 'ca', 'controller-manager'].map(
			name => `600 /etc/kubernetes/pki/${name}.key`,
		),
		...['ca', 'healthcheck-client', 'peer', 'server'].map(name => `600 /etc/kubernetes/pki/etcd/${name}.key`),
		...['front-proxy-ca', 'front-proxy-client', 'sa', 'scheduler'].map(name => `600 /etc/kubernetes/pki/${name}.key`),
		'600 /etc/kubernetes/scheduler.conf',
		'600 /etc/sealimage/lb.kubeconfig',
		'600 /var/lib/kubelet/pki/kubelet-client-current.pem',
		'600 /var/lib/kubelet/pki/kubelet.key',
		...['apiserver', 'apiserver-etcd-client', 'apiserver-kubelet-client', 'ca', 'controller-manager'].map(
			name => `644 /etc/kubernetes/pki/${name}.crt`,
		),
		...['ca', 'healthcheck-client', 'peer', 'server'].map(name => `644 /etc/kubernetes/pki/etcd/${name}.crt`),
		...['front-proxy-ca', 'front-proxy-client'].map(name => `644 /etc/kubernetes/pki/${name}.crt`),
		'644 /etc/kubernetes/pki/sa.pub',
		'644 /etc/kubernetes/pki/scheduler.crt',
		'644 /var/lib/kubelet/pki/kubelet.crt',
	];
	const worker = [
		'600 /etc/kubernetes/kubelet.conf',
		'600 /etc/sealimage/lb.kubeconfig',
		'600 /var/lib/kubelet/pki/kubelet-client-current.pem',
		'600 /var/lib/kubelet/pki/kubelet.key',
		'644 /etc/kubernetes/pki/ca.crt',
		'644 /var/lib/kubelet/pki/kubelet.crt',
	];
	t.deepEqual(shown, [
		['m1', master.toSorted()],
		['m2', master.toSorted()],
		['m3', master.toSorted()],
		['w1', worker.toSorted()],
	]);
});

test('everything is valid for 99 calendar years, its authorities for longer', async t => {
	for (const [host, files] of written(await first)) {
		for (const path of files.keys()) {
			for (const pem of certificatesIn(textOf(files, path))) {
				const {notBefore, notAfter, x509} = readCertificate(pem, path);
				t.is(notAfter.toISOString(), `${x509.ca ? 2136 : 2126}-11-21T18:00:00.000Z`, `${host} ${path}`);
				t.is(notBefore.toISOString(), '2026-11-20T18:00:00.000Z');
			}
		}
	}
});

test('super-admin.conf is from 1.29 on, on the first master alone', async t => {
	const plans = await planAll({...threeMasters, kubernetesVersion: '1.29', firstMaster: 'm2'});
	const holders = plans.filter(({files}) => files.some(({path}) => path.endsWith('/super-admin.conf')));
	t.deepEqual(
		holders.map(({host}) => host),
		['m2'],
	);
});

test('a second plan over what the first wrote is empty', async t => {
	const found = written(await first);
	const second = await planAll(threeMasters, found);
	t.deepEqual(changes(second), []);
	t.deepEqual(
		second.flatMap(({files}) => files),
		[],
	);
});

test('a master that comes later gets the same authorities and keys of service accounts, and nobody else changes', async t => {
	const found = written(await first);
	const masters = [...threeMasters.masters, {name: 'm4', address: '10.0.0.4'}];
	const plans = await planAll({...threeMasters, masters}, found);
	t.deepEqual(
		plans.filter(({files}) => files.length > 0).map(({host}) => host),
		['m4'],
	);
	const after = written(plans, found);
	for (const path of [
		...Object.values(authorityPlaces).flatMap(({certificate, key}) => [certificate, key]),
		serviceAccountPlaces.key,
	]) {
		t.is(textOf(after.get('m4'), path), textOf(after.get('m1'), path), path);
	}
});

test('names that are added renew what serves them, and say so', async t => {
	const found = written(await first);
	const spec = {...threeMasters, apiNames: ['k8s.example'], etcdNames: ['10.9.9.9']};
	const plans = await planAll(spec, found);
	t.deepEqual(
		changes(plans).filter(line => line.startsWith('m2')),
		[
			'm2 apiserver renew: it does not name k8s.example',
			'm2 etcd/server renew: it does not name 10.9.9.9',
			'm2 etcd/peer renew: it does not name 10.9.9.9',
		],
	);
	t.deepEqual(changes(await planAll(spec, written(plans, found))), []);
});

test('what is damaged, lost, foreign or ends is made anew, and the reason is told', async t => {
	const found = written(await first);
	const m1 = found.get('m1')!;
	const stranger = await createAuthority({subject: {commonName: 'kubernetes'}, now: pkiNow});
	const authority = {
		certPem: textOf(m1, authorityPlaces.kubernetes.certificate),
		keyPem: new Secret(textOf(m1, authorityPlaces.kubernetes.key)),
	};
	const put = (name: string, made: {readonly certPem: string; readonly keyPem: Secret}): void => {
		m1.set(pair(name).certificate, Buffer.from(made.certPem));
		m1.set(pair(name).key, Buffer.from(made.keyPem.reveal()));
	};
	m1.set(pair('apiserver').key, m1.get(pair('etcd/peer').key)!);
	m1.delete(pair('etcd/server').key);
	m1.set(pair('etcd/peer').certificate, Buffer.from('garbage'));
	put(
		'front-proxy-client',
		await issueLeaf(stranger, {subject: {commonName: 'front-proxy-client'}, purposes: ['client'], now: pkiNow}),
	);
	const kubeletClient = {commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters']};
	put(
		'apiserver-kubelet-client',
		await issueLeaf(authority, {subject: kubeletClient, purposes: ['client'], years: 1, now: pkiNow}),
	);
	put(
		'scheduler',
		await issueLeaf(authority, {
			subject: {commonName: 'kube-scheduler'},
			purposes: ['client'],
			alternativeNames: ['m1', 'localhost', '10.0.0.1', '127.0.0.1', '::1'],
			now: pkiNow,
		}),
	);
	const others = {
		subject: {commonName: 'system:node:w1', organizations: ['system:nodes']},
		purposes: ['client'],
		now: pkiNow,
	} as const;
	const joined = await issueLeaf(authority, others);
	m1.set(kubeletClientPlace, Buffer.from(joined.certPem + joined.keyPem.reveal()));
	m1.set('/etc/kubernetes/admin.conf', Buffer.from('nothing: [of, a, kubeconfig'));
	const schedulerConf = textOf(m1, '/etc/kubernetes/scheduler.conf').replace('10.0.0.1:6443', '10.0.0.7:6443');
	m1.set('/etc/kubernetes/scheduler.conf', Buffer.from(schedulerConf));
	m1.delete('/etc/kubernetes/controller-manager.conf');
	m1.delete(serviceAccountPlaces.publicKey);
	const plans = await planAll(threeMasters, found);
	t.deepEqual(
		changes(plans).toSorted(),
		[
			'm1 sa renew: the public half was missing',
			'm1 apiserver renew: its key is another one',
			'm1 apiserver-kubelet-client renew: it ends on 2027-11-21, not after the 99 years that are promised',
			'm1 front-proxy-client renew: another authority signed it',
			'm1 etcd/server renew: /etc/kubernetes/pki/etcd/server.key is missing',
			'm1 etcd/peer renew: it cannot be read',
			'm1 admin.conf renew: it is no kubeconfig',
			'm1 controller-manager.conf make',
			'm1 scheduler.conf renew: it leads to https://10.0.0.7:6443, not to https://10.0.0.1:6443',
			'm1 scheduler renew: it is not for a server',
			'm1 kubelet-client renew: it is about O=system:nodes, CN=system:node:w1',
		].toSorted(),
	);
	t.deepEqual(changes(await planAll(threeMasters, written(plans, found))), []);
});

test('a plan shows no key', async t => {
	const plans = await first;
	t.notRegex(JSON.stringify(plans), /PRIVATE|client-key-data/);
	t.true(plans.every(({files}) => files.every(file => file.mode === '644' || file.content instanceof Secret)));
	t.true(
		plans
			.flatMap(({files}) => files)
			.filter(({mode}) => mode === '644')
			.every(file => !contentOf(file).includes('PRIVATE')),
	);
});

test('kubelets have their names, and a kubeconfig that leads to the file which they replace themselves', async t => {
	const files = written(await first).get('w1');
	const client = new X509Certificate(textOf(files, kubeletClientPlace));
	t.is(client.subject, 'O=system:nodes\nCN=system:node:w1');
	const serving = new X509Certificate(textOf(files, '/var/lib/kubelet/pki/kubelet.crt'));
	t.is(serving.subjectAltName, 'DNS:w1, IP Address:10.0.0.9');
	const config = readKubeconfig(textOf(files, '/etc/kubernetes/kubelet.conf'));
	t.is(config?.certPath, kubeletClientPlace);
	t.is(config?.server, 'https://api.example:6443');
});

test('a kubelet of a master that speaks to its own API server is left as it is, that of a worker is not', async t => {
	const found = written(await first);
	for (const [host, address] of [
		['m2', '10.0.0.2'],
		['w1', '10.0.0.2'],
	] as const) {
		const path = '/etc/kubernetes/kubelet.conf';
		found.get(host)!.set(path, Buffer.from(textOf(found.get(host), path).replace('api.example', address)));
	}
	t.deepEqual(changes(await planAll(threeMasters, found)), [
		'w1 kubelet.conf renew: its authority, server or certificate is another',
	]);
});

test('one key is made for each certificate and no more: 15 on a master, 3 on a worker, and 4 that are shared', async t => {
	let keys = 0;
	await planAll(threeMasters, new Map(), {
		generate: async algorithm => {
			keys++;
			return await generateKey(algorithm);
		},
	});
	t.is(keys, 3 * 15 + 3 + 4);
});

function certificatesIn(text: string): readonly string[] {
	const decoded = [...text.matchAll(/-data: (\S+)/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString());
	return [text, ...decoded].flatMap(
		part => part.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
	);
}
