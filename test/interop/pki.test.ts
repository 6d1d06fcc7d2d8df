import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Secret} from '../../lib/core/secret.js';
import {openToAll} from '../../lib/registry/server/access/policy.js';
import {serveRegistry} from '../../lib/registry/server/serve.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import {createAuthority, issueLeaf, type KeyPair} from '../../lib/runtime/pki/authority.js';
import type {KeyAlgorithm} from '../../lib/runtime/pki/keys.js';
import {peerTest} from './peer-test.js';
import {run} from './peers.js';

const server = {
	subject: {commonName: 'm1', organizations: ['sealimage']},
	purposes: ['server', 'client'],
	alternativeNames: ['127.0.0.1', '::1', 'fd00::12:5', 'm1.internal'],
} as const;

const algorithms: readonly KeyAlgorithm[] = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'];

for (const algorithm of algorithms) {
	peerTest(
		`openssl's strict rules accept an authority and its leaves (${algorithm})`,
		['openssl'],
		async (t, scratch) => {
			const ca = await createAuthority({subject: {commonName: 'ca'}, algorithm});
			const leaf = await issueLeaf(ca, {...server, algorithm});
			const verify = (...args: string[]): Promise<string> => verifyStrictly(scratch, ca.certPem, leaf, args);
			t.regex(await verify('-purpose', 'sslserver', '-verify_ip', 'fd00::12:5'), /OK/);
			t.regex(await verify('-purpose', 'sslclient', '-verify_hostname', 'm1.internal'), /OK/);
			t.regex(await verify('-attime', String(Date.UTC(2125, 0) / 1000)), /OK/, 'in 99 years, too');
			await t.throwsAsync(verify('-verify_hostname', 'm2.internal'));
			await t.throwsAsync(verify('-attime', String(Date.UTC(2200, 0) / 1000)));
			const shown = await run(['openssl', 'x509', '-in', join(scratch, 'leaf.crt'), '-noout', '-text']);
			t.regex(shown, /Version: 3/);
			t.regex(shown, /Not After : .* 21\d\d GMT/);
			t.regex(
				shown,
				/IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:0:0:0:0:0:12:5, DNS:m1.internal/,
			);
			t.regex(shown, /X509v3 Basic Constraints: critical\s+CA:FALSE/);
		},
	);
}

peerTest('openssl accepts what an authority made by openssl signs through us', ['openssl'], async (t, scratch) => {
	const [key, cert] = [join(scratch, 'their.key'), join(scratch, 'their.crt')];
	const subject = ['-subj', '/C=DE/O=Größe/CN=their authority', '-utf8'];
	const extensions = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
	await run([
		'openssl',
		'req',
		'-x509',
		'-newkey',
		'rsa:2048',
		'-nodes',
		'-days',
		'9000',
		'-keyout',
		key,
		'-out',
		cert,
		...subject,
		...extensions,
	]);
	const certPem = readFileSync(cert, 'utf8');
	const leaf = await issueLeaf({certPem, keyPem: new Secret(readFileSync(key, 'utf8'))}, server);
	t.regex(await verifyStrictly(scratch, certPem, leaf, ['-purpose', 'sslserver']), /OK/);
});

peerTest(
	'a program in Go talks TLS to a server with our certificate, and to no other',
	['skopeo'],
	async (t, scratch) => {
		const ca = await createAuthority({subject: {commonName: 'ca'}});
		const leaf = await issueLeaf(ca, server);
		const files = {cert: join(scratch, 'tls.crt'), key: join(scratch, 'tls.key')};
		writeFileSync(files.cert, leaf.certPem);
		writeFileSync(files.key, leaf.keyPem.reveal());
		const storage = await openStockStorage(join(scratch, 'registry'), {create: true});
		const listening = await serveRegistry(storage, {port: 0, tls: files, access: openToAll});
		t.teardown(async () => {
			await listening.close();
			await storage.close();
		});
		const trusted = join(scratch, 'trusted');
		await run(['mkdir', trusted]);
		writeFileSync(join(trusted, 'ca.crt'), ca.certPem);
		const image = `docker://127.0.0.1:${listening.address.port}/none:1`;
		const inspect = ['skopeo', 'inspect', '--retry-times', '0', image];
		await t.throwsAsync(run([...inspect, '--cert-dir', trusted]), {
			message: /manifest unknown|name unknown|not known/i,
		});
		const stranger = await createAuthority({subject: {commonName: 'ca'}});
		writeFileSync(join(trusted, 'ca.crt'), stranger.certPem);
		await t.throwsAsync(run([...inspect, '--cert-dir', trusted]), {message: /x509|certificate/});
	},
);

async function verifyStrictly(scratch: string, caPem: string, leaf: KeyPair, args: readonly string[]): Promise<string> {
	const [ca, cert] = [join(scratch, 'ca.crt'), join(scratch, 'leaf.crt')];
	writeFileSync(ca, caPem);
	writeFileSync(cert, leaf.certPem);
	return await run(['openssl', 'verify', '-x509_strict', '-check_ss_sig', '-CAfile', ca, ...args, cert]);
}
