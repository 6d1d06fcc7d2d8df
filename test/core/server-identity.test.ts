import {X509Certificate} from 'node:crypto';
import test from 'ava';
import {identityProblem} from '../../lib/core/server-identity.js';
import {createAuthority, issueLeaf} from '../../lib/runtime/pki/authority.js';

test('a certificate is for its names and addresses, IPv6 too, however they are written', async t => {
	const authority = await createAuthority({subject: {commonName: 'ca'}});
	const alternativeNames = ['fd78::21', '10.0.0.1', 'master.example'];
	const {certPem} = await issueLeaf(authority, {subject: {commonName: 's'}, purposes: ['server'], alternativeNames});
	const certificate = new X509Certificate(certPem).toLegacyObject();
	for (const host of [...alternativeNames, 'fd78:0:0::21', '[fd78::21]'])
		t.is(identityProblem(host, certificate), undefined, host);
	for (const host of ['fd78::22', '10.0.0.2', 'other.example', '[fd78::22]'])
		t.is((identityProblem(host, certificate) as NodeJS.ErrnoException).code, 'ERR_TLS_CERT_ALTNAME_INVALID', host);
});
