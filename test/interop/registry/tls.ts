import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {run} from '../peers.js';

export interface TestTls {
	/** Holds `ca.crt` alone: what containers tools call a certificate folder. */
	readonly folder: string;
	readonly ca: string;
	readonly cert: string;
	readonly key: string;
}

/** A certificate authority and a server certificate for 127.0.0.1, made by openssl. */
export async function makeTls(home: string): Promise<TestTls> {
	const folder = join(home, 'tls/trusted');
	mkdirSync(folder, {recursive: true});
	const ca = join(folder, 'ca.crt');
	const caKey = join(home, 'tls/ca.key');
	const [cert, key, request, extensions] = ['server.crt', 'server.key', 'server.csr', 'extensions'].map(name =>
		join(home, 'tls', name),
	) as [string, string, string, string];
	const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	await run([
		'openssl',
		'req',
		'-x509',
		...elliptic,
		'-keyout',
		caKey,
		'-out',
		ca,
		'-days',
		'2',
		'-subj',
		'/CN=test authority',
	]);
	await run(['openssl', 'req', ...elliptic, '-keyout', key, '-out', request, '-subj', '/CN=127.0.0.1']);
	writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n');
	await run([
		'openssl',
		'x509',
		'-req',
		'-in',
		request,
		'-CA',
		ca,
		'-CAkey',
		caKey,
		'-CAcreateserial',
		'-out',
		cert,
		'-days',
		'2',
		'-extfile',
		extensions,
	]);
	return {folder, ca, cert, key};
}
