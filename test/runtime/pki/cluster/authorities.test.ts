import {X509Certificate} from 'node:crypto';
import test from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import {createAuthority, issueLeaf, type KeyPair} from '../../../../lib/runtime/pki/authority.js';
import {type GivenAuthority, readAuthority} from '../../../../lib/runtime/pki/cluster/given-authority.js';
import {authorityPlaces, pair, serviceAccountPlaces} from '../../../../lib/runtime/pki/cluster/places.js';
import {generateKey, privateKeyPem, publicKeyInfo, readPrivateKey} from '../../../../lib/runtime/pki/keys.js';
import {readCertificate} from '../../../../lib/runtime/pki/read-certificate.js';
import {authorityBelow, changes, pkiNow, planAll, textOf, threeMasters, written} from '../../../helpers/cluster-pki.js';

const root = createAuthority({subject: {commonName: 'Our root'}, pathLength: 1, years: 40, now: pkiNow});
const middle = root.then(async pairOfRoot => await authorityBelow(pairOfRoot, 'Our clusters', 0));
const first = planAll(threeMasters);

test('an authority of the user, with those above it, signs everything', async t => {
	const kubernetes = await withChain();
	const plans = await planAll(threeMasters, new Map(), {given: {kubernetes}});
	const files = written(plans).get('m1');
	const [leaf, above] = blocks(textOf(files, pair('apiserver').certificate));
	t.is(new X509Certificate(leaf!).issuer, 'CN=Our clusters');
	t.is(new X509Certificate(above!).subject, 'CN=Our clusters', 'who knows the root alone can follow');
	t.is(readCertificate(leaf!, 'leaf').notAfter.getUTCFullYear(), 2066, 'nothing outlives the root');
	t.deepEqual(
		blocks(textOf(files, authorityPlaces.kubernetes.certificate)).map(pem => new X509Certificate(pem).subject),
		['CN=Our clusters', 'CN=Our root'],
	);
	const found = written(plans);
	t.deepEqual(changes(await planAll(threeMasters, found, {given: {kubernetes}})), [], 'and again, with the files');
	t.deepEqual(changes(await planAll(threeMasters, found)), [], 'and without');
});

test('an authority without its key is enough as long as nothing is needed from it', async t => {
	const {certPem, keyPem} = await createAuthority({subject: {commonName: 'etcd-ca'}, now: pkiNow});
	const found = written(await planAll(threeMasters, new Map(), {given: {etcd: {certPem, keyPem}}}));
	for (const files of found.values()) files.delete(authorityPlaces.etcd.key);
	t.deepEqual(changes(await planAll(threeMasters, found, {given: {etcd: {certPem}}})), []);
	found.get('m2')!.delete(pair('etcd/peer').key);
	await t.throwsAsync(planAll(threeMasters, found), {
		code: 'ERR_PKI_AUTHORITY',
		message: /^The key of an authority is not here.*m2: etcd\/peer \(etcd\), .*peer.key is missing$/,
	});
	const plans = await planAll(threeMasters, found, {given: {etcd: {certPem, keyPem}}});
	t.true(changes(plans).includes('m2 etcd-ca renew: its key was missing'));
	t.is(textOf(written(plans, found).get('m2'), authorityPlaces.etcd.key), keyPem.reveal());
});

test('an authority is never replaced: not by a file, and not by another master', async t => {
	const found = written(await first);
	const stranger = await createAuthority({subject: {commonName: 'kubernetes'}, now: pkiNow});
	await t.throwsAsync(planAll(threeMasters, found, {given: {kubernetes: stranger}}), {
		code: 'ERR_PKI_AUTHORITY',
		message: 'The authority "kubernetes" of the given file is another one than that of m1',
	});
	found.get('m3')!.set(authorityPlaces.kubernetes.certificate, Buffer.from(stranger.certPem));
	found.get('m3')!.delete(authorityPlaces.kubernetes.key);
	await t.throwsAsync(planAll(threeMasters, found), {
		message: 'The authority "kubernetes" of m1 is another one than that of m3',
	});
	found.get('m3')!.set(authorityPlaces.kubernetes.certificate, Buffer.from('damaged'));
	await t.throwsAsync(planAll(threeMasters, found), {
		code: 'ERR_CERTIFICATE',
		message: /^m3:.*ca.crt holds no certificate/,
	});
	found.get('m3')!.delete(authorityPlaces.kubernetes.certificate);
	found.get('m3')!.set(authorityPlaces.kubernetes.key, Buffer.from('damaged'));
	await t.throwsAsync(planAll(threeMasters, found), {
		message: 'm3 has /etc/kubernetes/pki/ca.key, but no /etc/kubernetes/pki/ca.crt',
	});
});

test('a worker is not believed: it gets the authority of the cluster', async t => {
	const found = written(await first);
	const stranger = await createAuthority({subject: {commonName: 'kubernetes'}, now: pkiNow});
	found.get('w1')!.set(authorityPlaces.kubernetes.certificate, Buffer.from(stranger.certPem));
	const plans = await planAll(threeMasters, found);
	t.deepEqual(changes(plans), ['w1 kubernetes renew: the host trusts another authority']);
	const [w1] = plans.filter(({host}) => host === 'w1');
	t.deepEqual(
		w1?.files.map(({path}) => path),
		[authorityPlaces.kubernetes.certificate],
	);
});

test('keys of service accounts are RSA whatever the others are: kubeadm joins no master with another', async t => {
	const found = written(await first);
	const pem = textOf(found.get('m2'), serviceAccountPlaces.key);
	t.is(readPrivateKey(new Secret(pem), 'sa.key').asymmetricKeyType, 'rsa');
});

test('keys of service accounts are one pair for all masters, and older keys may stand beside the public one', async t => {
	const found = written(await first);
	const older = publicKeyInfo(await generateKey());
	const olderPem = `-----BEGIN PUBLIC KEY-----\n${older.toString('base64')}\n-----END PUBLIC KEY-----\n`;
	const {publicKey, key} = serviceAccountPlaces;
	const both = Buffer.from(olderPem + textOf(found.get('m1'), publicKey));
	for (const files of found.values()) if (files.has(key)) files.set(publicKey, both);
	t.deepEqual(changes(await planAll(threeMasters, found)), []);
	found.get('m1')!.set(publicKey, Buffer.from(olderPem));
	await t.throwsAsync(planAll(threeMasters, found), {message: /^m1:.*sa.pub does not hold the public half/});
	found.get('m1')!.set(publicKey, both);
	found.get('m2')!.set(key, Buffer.from(privateKeyPem(await generateKey()).reveal()));
	found.get('m2')!.delete(publicKey);
	await t.throwsAsync(planAll(threeMasters, found), {message: 'The keys of service accounts of m1 and m2 differ'});
});

const refuses = test.macro(async (t, make: () => Promise<GivenAuthority>, message: RegExp, at: Date = pkiNow) => {
	const given = await make();
	const error = t.throws(() => readAuthority('kubernetes', given, 'own.crt', at));
	t.regex(error.message, message);
	t.notRegex(error.message, /PRIVATE/);
});

test('a leaf is no authority', refuses, async () => await leafOf(await root), /"CN=leaf" is no authority/);
test(
	'a chain in the wrong order',
	refuses,
	async () => await reversed(),
	/"CN=Our root" is a root, and more certificates/,
);
test(
	'a chain that does not reach a root',
	refuses,
	async () => await middle,
	/"CN=Our clusters" is no root, and nothing/,
);
test(
	'a chain with a link of another',
	refuses,
	async () => await wrongLink(),
	/"CN=Our clusters" is not signed by "CN=Else"/,
);
test(
	'an authority that may have none below it',
	refuses,
	async () => await tooDeep(),
	/"CN=Our clusters" allows no more than 0/,
);
test(
	'the key of another',
	refuses,
	async () => ({...(await withChain()), keyPem: (await root).keyPem}),
	/does not belong to own.crt/,
);
test('a file that is no certificate', refuses, async () => ({certPem: 'x'}), /own.crt holds no certificate/);
test(
	'a file that is no key',
	refuses,
	async () => ({...(await withChain()), keyPem: new Secret('PRIVATE')}),
	/holds no private key/,
);
test(
	'a file with too many certificates',
	refuses,
	async () => ({certPem: (await root).certPem.repeat(11)}),
	/holds 11 certificates/,
);
test('an authority that has ended', refuses, withChain, /ended on 2066-11-21/, new Date('2070-01-01T00:00:00Z'));
test('an authority of tomorrow', refuses, withChain, /is not valid yet/, new Date('2020-01-01T00:00:00Z'));

async function withChain(): Promise<KeyPair> {
	const signer = await middle;
	return {certPem: signer.certPem + (await root).certPem, keyPem: signer.keyPem};
}

async function reversed(): Promise<GivenAuthority> {
	return {certPem: (await root).certPem + (await middle).certPem};
}

async function wrongLink(): Promise<GivenAuthority> {
	const other = await createAuthority({subject: {commonName: 'Else'}, now: pkiNow});
	return {certPem: (await middle).certPem + other.certPem};
}

async function tooDeep(): Promise<GivenAuthority> {
	const deep = await authorityBelow(await middle, 'Too deep', 0);
	return {certPem: deep.certPem + (await middle).certPem + (await root).certPem};
}

async function leafOf(authority: KeyPair): Promise<KeyPair> {
	return await issueLeaf(authority, {subject: {commonName: 'leaf'}, purposes: ['client'], now: pkiNow});
}

function blocks(text: string): readonly string[] {
	return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
