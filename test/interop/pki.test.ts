import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Secret} from '../../lib/core/secret.js';
import {openToAll} from '../../lib/registry/server/access/policy.js';
import {serveRegistry} from '../../lib/registry/server/serve.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import {createAuthority, issueLeaf, type KeyPair} from '../../lib/runtime/pki/authority.js';
import {describeCluster} from '../../lib/runtime/pki/cluster/description.js';
import {itemsOf} from '../../lib/runtime/pki/cluster/items.js';
import {readKubeconfig} from '../../lib/runtime/pki/cluster/kubeconfig.js';
import {authorityPlaces, pair} from '../../lib/runtime/pki/cluster/places.js';
import type {KeyAlgorithm} from '../../lib/runtime/pki/keys.js';
import {authorityBelow, planAll, textOf, threeMasters, written} from '../helpers/cluster-pki.js';
import {serveTls} from '../helpers/pki-root.js';
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

peerTest(
	"openssl's strict rules accept everything of a cluster, under an authority of the user's too",
	['openssl'],
	async (t, scratch) => {
		const root = await createAuthority({subject: {commonName: 'root'}, pathLength: 1});
		const signer = await authorityBelow(root, 'clusters', 0);
		const given = {kubernetes: {certPem: signer.certPem + root.certPem, keyPem: signer.keyPem}};
		for (const options of [{}, {given}]) {
			const plans = await planAll(threeMasters, new Map(), {now: new Date(), ...options});
			const cluster = describeCluster(threeMasters);
			const [m1] = cluster.masters;
			const files = written(plans).get('m1');
			for (const {id, form, authority, purposes} of itemsOf(cluster, m1!)) {
				const path = form.kind === 'pair' ? form.certificate : form.path;
				const certPem = form.kind === 'kubeconfig' ? readKubeconfig(textOf(files, path))?.certPem : textOf(files, path);
				const chain = textOf(files, authorityPlaces[authority].certificate);
				const leaf = {certPem: certPem ?? '', keyPem: root.keyPem};
				for (const purpose of purposes)
					t.regex(await verifyStrictly(scratch, chain, leaf, ['-purpose', `ssl${purpose}`]), /OK/, id);
			}
		}
	},
);

peerTest(
	"Python's strict rules accept a server of a cluster, and its cryptography reads the dates",
	['python3'],
	async (t, scratch) => {
		const [plan] = await planAll({...threeMasters, apiNames: ['127.0.0.1']}, new Map(), {now: new Date()});
		const files = written([plan!]).get('m1')!;
		const {certificate, key} = pair('apiserver');
		const port = await serveTls(t, files, certificate, key);
		const ca = join(scratch, 'ca.crt');
		const leaf = join(scratch, 'leaf.crt');
		writeFileSync(ca, textOf(files, authorityPlaces.kubernetes.certificate));
		writeFileSync(leaf, textOf(files, certificate));
		const connect = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for name in ("127.0.0.1", "kubernetes.default.svc"):
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        print(secure.version(), secure.getpeercert()["notAfter"])
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as plain: context.wrap_socket(plain, server_hostname="m2")
except ssl.SSLCertVerificationError as error: print("refused", error.verify_message)
from cryptography import x509
print(x509.load_pem_x509_certificate(open(sys.argv[3], "rb").read()).not_valid_after.year)
`;
		// Debian's: another that stands before it may lack the module.
		const said = await run(['/usr/bin/python3', '-c', connect, ca, String(port), leaf]);
		const year = new Date().getUTCFullYear() + 100;
		t.regex(said, new RegExp(`^(?:TLSv1.3 .* ${year} GMT\n){2}refused .*m2.*\n${year}\n$`));
	},
);

async function verifyStrictly(scratch: string, caPem: string, leaf: KeyPair, args: readonly string[]): Promise<string> {
	const [ca, cert] = [join(scratch, 'ca.crt'), join(scratch, 'leaf.crt')];
	writeFileSync(ca, caPem);
	writeFileSync(cert, leaf.certPem);
	return await run(['openssl', 'verify', '-x509_strict', '-check_ss_sig', '-CAfile', ca, ...args, cert]);
}
