import type {Context} from './context.js';

/**
 * Where systems keep the authorities that they trust: the places that Go's programs look at, and what Node itself is told.
 * None where the settings say so.
 */
export function trustedFiles({io: {env}, settings}: Context): readonly string[] {
	if (settings.trust.value === 'bundled') return [];
	const files = env.SSL_CERT_FILE
		? [env.SSL_CERT_FILE]
		: [
				'/etc/ssl/certs/ca-certificates.crt',
				'/etc/pki/tls/certs/ca-bundle.crt',
				'/etc/ssl/ca-bundle.pem',
				'/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
				'/etc/ssl/cert.pem',
			];
	return env.NODE_EXTRA_CA_CERTS ? [...files, env.NODE_EXTRA_CA_CERTS] : files;
}
