import test from 'ava';
import {explainTls} from '../../../lib/registry/exchange/tls-error.js';

const explains = test.macro({
	exec(t, code: string, text: string, message: string | undefined, hint?: string) {
		const found = explainTls(new Error(text), code, 'a.io:5000', '/certs.d/a.io:5000/ca.crt');
		t.is(found?.message, message);
		if (hint !== undefined) t.is(found?.hint, hint);
	},
	title: (_, code) => `explains ${String(code)}`,
});

test(explains, 'CERT_NOT_YET_VALID', '', 'The certificate of a.io:5000 is not valid yet');
test(
	explains,
	'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
	'80EC:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../deps/openssl:1601:SSL alert number 42',
	'a.io:5000 wants a client certificate, or does not accept the one it got',
	'Save the client certificate as /certs.d/a.io:5000/client.cert and its key as /certs.d/a.io:5000/client.key.',
);
test(
	explains,
	'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
	'error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:',
	'a.io:5000 wants a client certificate, or does not accept the one it got',
);
test(
	explains,
	'ERR_SSL_WRONG_VERSION_NUMBER',
	'error:0A00010B:SSL routines:ssl3_get_record:wrong version number:',
	'a.io:5000 does not speak TLS',
);
test(
	explains,
	'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
	'error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:x',
	'No secure connection to a.io:5000: tlsv1 alert protocol version',
	'Check which versions of TLS the registry speaks.',
);
test(explains, 'ECONNREFUSED', 'connect ECONNREFUSED', undefined);

test('the names in a certificate are shown without their kinds, and not without end', t => {
	const error = Object.assign(new Error('x'), {
		cert: {subjectaltname: `DNS:a.io, IP Address:10.0.0.1, DNS:${'b'.repeat(1000)}`},
	});
	const {message = ''} = explainTls(error, 'ERR_TLS_CERT_ALTNAME_INVALID', 'c.io', undefined) ?? {};
	t.true(message.startsWith('The certificate of c.io is for other names: a.io, 10.0.0.1, bbb'));
	t.true(message.length < 400);
});
