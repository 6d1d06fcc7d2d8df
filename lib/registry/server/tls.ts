import {createPrivateKey, X509Certificate} from 'node:crypto';
import type {Server as TlsServer} from 'node:https';
import {createSecureContext, type SecureContextOptions} from 'node:tls';
import {SealError} from '../../core/errors.js';
import type {Observable} from '../../core/events.js';
import {type Watched, watchFiles} from './watched-files.js';

/** Where a server's certificate is. All files are PEM; they are read again when they change. */
export interface TlsFiles {
	/** The certificate, the ones that lead to its authority behind it. */
	readonly cert: string;
	/** Its private key, without a password. */
	readonly key: string;
	/** Authorities of client certificates: with it, a client without a certificate of theirs gets no connection. */
	readonly clientCa?: string | undefined;
}

/**
 * What a TLS server needs, from files. A pair of files of which only one is new already does not fit together: it is passed
 * over until the other one has come.
 * @throws SealError ERR_SERVER_TLS, ERR_IO, ERR_PERMISSION
 */
export async function watchTls(files: TlsFiles, options: Observable): Promise<Watched<SecureContextOptions>> {
	const {cert, key, clientCa} = files;
	const paths = [cert, key, ...(clientCa === undefined ? [] : [clientCa])];
	return await watchFiles(paths, ([certPem, keyPem, caPem]) => readPair(files, certPem, keyPem, caPem), {
		...options,
		checkMs: 0,
		warningCode: 'RegistryTls',
	});
}

/** Looks at the files every so often and gives the server what they hold; connections that are open stay as they are. */
export function keepTlsFresh(server: TlsServer, watched: Watched<SecureContextOptions>, everyMs: number): () => void {
	let current: SecureContextOptions | undefined;
	const look = async (): Promise<void> => {
		const found = await watched.get();
		if (current !== undefined && found !== current) server.setSecureContext(found);
		current = found;
	};
	void look();
	const timer = setInterval(() => void look(), everyMs);
	timer.unref();
	return () => clearInterval(timer);
}

/** RFC 9325, 3.1.1: nothing older. */
const minVersion = 'TLSv1.2';

function readPair(
	files: TlsFiles,
	cert: Buffer | undefined,
	key: Buffer | undefined,
	ca: Buffer | undefined,
): SecureContextOptions {
	const fail = (what: string, cause?: unknown): SealError =>
		new SealError('ERR_SERVER_TLS', what, {
			hint: 'Give a certificate chain and its private key as PEM files.',
			details: {cert: files.cert, key: files.key},
			cause,
		});
	const attempt = <R>(what: string, work: () => R): R => {
		try {
			return work();
		} catch (error) {
			throw fail(what, error);
		}
	};
	const certificate = attempt(`${files.cert} holds no certificate`, () => new X509Certificate(cert ?? ''));
	const privateKey = attempt(`${files.key} holds no private key that can be used`, () => createPrivateKey(key ?? ''));
	if (!certificate.checkPrivateKey(privateKey))
		throw fail(`${files.key} is not the key of the certificate ${files.cert}`);
	if (ca !== undefined) {
		attempt(`${files.clientCa} holds no certificate`, () => new X509Certificate(ca));
	}
	const found: SecureContextOptions = {cert, key, minVersion, ...(ca === undefined ? {} : {ca})};
	attempt(`${files.cert} cannot be used`, () => createSecureContext(found));
	return found;
}
