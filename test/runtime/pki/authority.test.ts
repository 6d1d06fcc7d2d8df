import {createHash, X509Certificate} from 'node:crypto';
import {once} from 'node:events';
import type {AddressInfo} from 'node:net';
import {connect, createServer, type TLSSocket} from 'node:tls';
import test from 'ava';
import {Secret} from '../../../lib/core/secret.js';
import {createAuthority, issueLeaf, type KeyPair} from '../../../lib/runtime/pki/authority.js';
import {leafProblem} from '../../../lib/runtime/pki/judge.js';
import {generateKey, type KeyAlgorithm} from '../../../lib/runtime/pki/keys.js';
import {readCertificate} from '../../../lib/runtime/pki/read-certificate.js';

const now = new Date('2026-11-21T18:00:00Z');
const ca = createAuthority({subject: {commonName: 'sealimage-registry'}, now});
const names = ['10.0.0.5', 'fd00::5', 'Registry.internal', 'm1'];
const serverRequest = {subject: {commonName: 'm1'}, purposes: ['server'], alternativeNames: names, now} as const;

test('an authority lives 110 years, a leaf 100', async t => {
	const authority = readCertificate((await ca).certPem, 'ca');
	const leaf = readCertificate((await issueLeaf(await ca, serverRequest)).certPem, 'leaf');
	t.is(authority.notAfter.toISOString(), '2136-11-21T18:00:00.000Z');
	t.is(leaf.notAfter.toISOString(), '2126-11-21T18:00:00.000Z');
	t.is(leaf.notBefore.toISOString(), '2026-11-20T18:00:00.000Z');
});

test('a leaf does not outlive its authority', async t => {
	const later = new Date('2090-01-01T00:00:00Z');
	const leaf = readCertificate((await issueLeaf(await ca, {...serverRequest, now: later})).certPem, 'leaf');
	t.is(leaf.notAfter.toISOString(), '2136-11-21T18:00:00.000Z');
});

test('names and addresses are what was asked for, once each', async t => {
	const {certPem} = await issueLeaf(await ca, {...serverRequest, alternativeNames: [...names, 'M1', 'fd00:0::0005']});
	const {subjectAltName} = new X509Certificate(certPem);
	t.is(subjectAltName, 'IP Address:10.0.0.5, IP Address:FD00:0:0:0:0:0:0:5, DNS:registry.internal, DNS:m1');
});

test('groups of Kubernetes are organizations', async t => {
	const subject = {commonName: 'system:node:m1', organizations: ['system:nodes', 'Größe']};
	const {certPem} = await issueLeaf(await ca, {subject, purposes: ['client'], now});
	const leaf = new X509Certificate(certPem);
	t.is(leaf.subject, 'O=system:nodes\nO=Größe\nCN=system:node:m1');
	t.is(leaf.subjectAltName, undefined);
	t.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
});

test('serial numbers are positive, of 16 bytes, and never the same', async t => {
	const authority = await ca;
	const all = await Promise.all(
		[0, 0xff].map(fill => issueLeaf(authority, {...serverRequest, random: bytes => Buffer.alloc(bytes, fill)})),
	);
	t.deepEqual(
		all.map(({certPem}) => new X509Certificate(certPem).serialNumber),
		[`40${'00'.repeat(15)}`, `7F${'FF'.repeat(15)}`],
	);
	const [a, b] = await Promise.all([1, 2].map(async () => issueLeaf(await ca, serverRequest)));
	t.not(new X509Certificate(a!.certPem).serialNumber, new X509Certificate(b!.certPem).serialNumber);
});

const handshakes = test.macro(async (t, algorithm: KeyAlgorithm, minVersion: 'TLSv1.2' | 'TLSv1.3') => {
	const authority = await createAuthority({subject: {commonName: 'ca'}, algorithm});
	const alternativeNames = ['127.0.0.1', 'localhost'];
	const server = await issueLeaf(authority, {
		subject: {commonName: 's'},
		purposes: ['server'],
		alternativeNames,
		algorithm,
	});
	const client = await issueLeaf(authority, {
		subject: {commonName: 'c', organizations: ['o']},
		purposes: ['client'],
		algorithm,
	});
	const options = {ca: authority.certPem, minVersion, maxVersion: minVersion, requestCert: true} as const;
	const listener = createServer({...options, cert: server.certPem, key: server.keyPem.reveal()}, socket =>
		socket.end(socket.authorized ? 'known' : 'unknown'),
	);
	t.teardown(() => listener.close());
	await once(listener.listen(0, '127.0.0.1'), 'listening');
	const {port} = listener.address() as AddressInfo;
	const said = async (pair: KeyPair): Promise<string> => {
		const socket: TLSSocket = connect({
			host: '127.0.0.1',
			port,
			...options,
			cert: pair.certPem,
			key: pair.keyPem.reveal(),
		});
		let text = '';
		for await (const chunk of socket) text += String(chunk);
		return text;
	};
	t.is(await said(client), 'known');
	t.is(await said(server).catch(() => ''), '', 'a server is no client');
});

test('a P-256 authority secures TLS 1.3 both ways', handshakes, 'ecdsa-p256', 'TLSv1.3');
test('a P-384 authority secures TLS 1.2 both ways', handshakes, 'ecdsa-p384', 'TLSv1.2');
test('an RSA authority secures TLS 1.2 both ways', handshakes, 'rsa-2048', 'TLSv1.2');

test('a key may be given: kubelets keep theirs', async t => {
	const key = await generateKey('rsa-2048');
	const {certPem} = await issueLeaf(await ca, {...serverRequest, key});
	t.true(new X509Certificate(certPem).checkPrivateKey(key));
});

test('an authority that cannot sign says why', async t => {
	const good = await ca;
	const leaf = await issueLeaf(good, serverRequest);
	const fails = async (pair: KeyPair, at: Date, message: RegExp): Promise<void> => {
		await t.throwsAsync(issueLeaf(pair, {...serverRequest, now: at}), {code: 'ERR_CERTIFICATE', message});
	};
	await fails(leaf, now, /it is no authority/);
	await fails({...good, keyPem: leaf.keyPem}, now, /the key is not its own/);
	await fails(good, new Date('2137-01-01T00:00:00Z'), /it ended on 2136-11-21/);
	await fails({...good, certPem: 'nothing'}, now, /holds no certificate/);
	await fails(
		{...good, keyPem: new Secret('-----BEGIN secret')},
		now,
		/^The key of the authority holds no private key/,
	);
});

test('names that mean nothing are refused', async t => {
	for (const name of ['', 'a b', '-a', 'a..b', 'fe80::1%eth0', 'a'.repeat(64), '*.*.b', 'https://a', '300.1.1.1.']) {
		await t.throwsAsync(
			issueLeaf(await ca, {...serverRequest, alternativeNames: [name]}),
			{code: 'ERR_CERTIFICATE'},
			name,
		);
	}
	await t.throwsAsync(issueLeaf(await ca, {...serverRequest, subject: {commonName: ''}}), {code: 'ERR_CERTIFICATE'});
	await t.throwsAsync(issueLeaf(await ca, {...serverRequest, subject: {commonName: 'a\nb'}}), {
		code: 'ERR_CERTIFICATE',
	});
});

test('a leaf is judged: what must be issued anew, and why', async t => {
	const pair = await issueLeaf(await ca, serverRequest);
	const other = await createAuthority({subject: {commonName: 'sealimage-registry'}, now});
	const demands = {authorityPem: (await ca).certPem, alternativeNames: names, now};
	t.is(leafProblem(pair, demands), undefined);
	t.is(leafProblem(pair, {...demands, authorityPem: other.certPem}), 'another authority signed it');
	t.is(leafProblem(pair, {...demands, alternativeNames: [...names, 'm2']}), 'it does not name m2');
	t.is(leafProblem(pair, {...demands, alternativeNames: ['FD00::5', 'M1']}), undefined);
	t.is(leafProblem(pair, {...demands, now: new Date('2126-01-01T00:00:00Z')}), 'it ends on 2126-11-21');
	t.is(leafProblem(pair, {...demands, now: new Date('2020-01-01T00:00:00Z')}), 'it is not valid yet');
	t.is(leafProblem({...pair, keyPem: other.keyPem}, demands), 'its key is another one');
	t.is(leafProblem({...pair, certPem: 'x'}, demands), 'it cannot be read');
	t.is(leafProblem({...pair, keyPem: new Secret('x')}, demands), 'it cannot be read');
});

test('a key never shows itself', async t => {
	const pair = await ca;
	t.false(JSON.stringify(pair).includes('PRIVATE'));
	t.is(String(pair.keyPem), '[secret]');
	t.is(createHash('sha256').update(pair.keyPem.reveal()).digest().length, 32);
});

test('damaged certificates are refused, wherever the damage is', async t => {
	const lines = (await ca).certPem.split('\n');
	const der = Buffer.from(lines.slice(1, -2).join(''), 'base64');
	for (let at = 0; at < der.length; at += 7) {
		const damaged = Buffer.from(der);
		damaged[at] = (damaged[at] ?? 0) ^ 0xff;
		const pem = `-----BEGIN CERTIFICATE-----\n${damaged.toString('base64')}\n-----END CERTIFICATE-----\n`;
		try {
			readCertificate(pem, 'it');
		} catch (error) {
			t.is((error as {code?: unknown}).code, 'ERR_CERTIFICATE');
		}
	}
	t.pass();
});
