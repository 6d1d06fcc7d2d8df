import {dirname, join} from 'node:path';
import {untrustedCodes} from '../../core/trust.js';

export interface TlsExplanation {
	readonly message: string;
	readonly hint: string;
	/** The other side does not speak TLS at all. */
	readonly isPlain?: boolean;
}

/**
 * What went wrong on the way to a secure connection, in a sentence of its own for each reason; undefined when TLS is not
 * the reason.
 * @param caPath where the certificate of the authority would be found
 */
export function explainTls(
	error: unknown,
	systemCode: string,
	host: string,
	caPath: string | undefined,
): TlsExplanation | undefined {
	if (untrustedCodes.has(systemCode)) return untrusted(systemCode, host, caPath);
	if (systemCode === 'CERT_HAS_EXPIRED' || systemCode === 'CERT_NOT_YET_VALID') {
		return {
			message: `The certificate of ${host} ${systemCode === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}`,
			hint: 'Renew the certificate of the registry, or set the clock of this machine.',
		};
	}
	if (systemCode === 'ERR_TLS_CERT_ALTNAME_INVALID' || systemCode === 'HOSTNAME_MISMATCH')
		return wrongName(error, host);
	if (!/^(?:CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|UNABLE_TO_)/.test(systemCode)) return undefined;
	return protocolError(error, systemCode, host, caPath);
}

function untrusted(systemCode: string, host: string, caPath: string | undefined): TlsExplanation {
	const what =
		systemCode === 'DEPTH_ZERO_SELF_SIGNED_CERT'
			? 'is self-signed, and it is not trusted here'
			: 'is signed by an authority that is not trusted here';
	const file =
		systemCode === 'DEPTH_ZERO_SELF_SIGNED_CERT'
			? 'that certificate'
			: 'the certificate of the authority that signed it';
	return {
		message: `The certificate of ${host} ${what}`,
		hint:
			caPath === undefined
				? `Give ${file} as a trusted one, or declare the registry insecure.`
				: `Save ${file} as ${caPath}, or declare the registry insecure.`,
	};
}

function wrongName(error: unknown, host: string): TlsExplanation {
	const {cert, reason} = (error ?? {}) as {
		readonly cert?: {readonly subjectaltname?: unknown};
		readonly reason?: unknown;
	};
	const names = typeof cert?.subjectaltname === 'string' ? cert.subjectaltname : '';
	const shown = names.replace(/\b(?:DNS|IP Address|URI):/g, '').slice(0, 300);
	return {
		message:
			shown === ''
				? `The certificate of ${host} is for another name${typeof reason === 'string' ? `: ${reason.slice(0, 300)}` : ''}`
				: `The certificate of ${host} is for other names: ${shown}`,
		hint: 'Use the name that the certificate is for, or give the registry a certificate for this one.',
	};
}

const plainReasons = /wrong version number|packet length too long|http request|unknown protocol|record layer failure/i;
const clientReasons = /certificate[ _]required|bad[ _]certificate|handshake[ _]failure|unknown[ _]ca\b/i;

function protocolError(
	error: unknown,
	systemCode: string,
	host: string,
	caPath: string | undefined,
): TlsExplanation | undefined {
	const text = `${systemCode} ${(error as Error | undefined)?.message ?? ''}`.replaceAll('_', ' ');
	if (plainReasons.test(text)) {
		return {
			message: `${host} does not speak TLS`,
			hint: 'Check the port, or declare the registry insecure to use plain http.',
			isPlain: true,
		};
	}
	if (clientReasons.test(text) && /alert/i.test(text)) {
		const folder = caPath === undefined ? undefined : dirname(caPath);
		return {
			message: `${host} wants a client certificate, or does not accept the one it got`,
			hint:
				folder === undefined
					? 'Give a client certificate and its key for this registry.'
					: `Save the client certificate as ${join(folder, 'client.cert')} and its key as ${join(folder, 'client.key')}.`,
		};
	}
	const why = /SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? (error as Error | undefined)?.message ?? systemCode;
	return {
		message: `No secure connection to ${host}: ${why}`,
		hint: 'Check which versions of TLS the registry speaks.',
	};
}
