import {readFile} from 'node:fs/promises';
import {createSecureContext, rootCertificates, type SecureContext} from 'node:tls';

/** How a secure connection is made; all of it PEM text. */
export interface HttpTls {
	/** Authorities that are trusted besides the usual ones. */
	readonly ca?: readonly string[] | undefined;
	/** Trust those of `ca` and no others. Default false. */
	readonly pinned?: boolean | undefined;
	/** What this side shows when it is asked who it is. */
	readonly client?: readonly {readonly cert: string; readonly key: string}[] | undefined;
	/** Accept any certificate. Default false. */
	readonly insecure?: boolean | undefined;
}

/** Whom a client trusts. */
export interface Trust {
	/** For a first try: undefined stands for the authorities that Node brings, which are there at no cost. */
	first(tls: HttpTls | undefined): SecureContext | undefined;
	/** With every authority there is. Reading those of the system takes tens of milliseconds, so that this waits until it is needed. */
	whole(tls: HttpTls | undefined): Promise<SecureContext>;
	/** True when `whole` trusts more than `first`. */
	hasMore(tls: HttpTls | undefined): boolean;
}

/** Files of authorities are looked at once; those that do not exist are passed over. */
export function createTrust(ca: readonly string[], caFiles: readonly string[]): Trust {
	let fromFiles: Promise<readonly string[]> | undefined;
	return {
		first(tls) {
			if (tls?.pinned === true) return contextOf(tls, tls.ca ?? []);
			return tls?.client === undefined || tls.client.length === 0 ? undefined : contextOf(tls, undefined);
		},
		hasMore: tls =>
			tls?.insecure !== true &&
			tls?.pinned !== true &&
			(ca.length > 0 || caFiles.length > 0 || (tls?.ca ?? []).length > 0),
		async whole(tls) {
			if (tls?.pinned === true) return contextOf(tls, tls.ca ?? []);
			fromFiles ??= readAll(caFiles);
			return contextOf(tls, [...rootCertificates, ...ca, ...(await fromFiles), ...(tls?.ca ?? [])]);
		},
	};
}

/** What Node says when it does not know the authority of a certificate. */
export const untrustedCodes: ReadonlySet<string> = new Set([
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'CERT_UNTRUSTED',
]);

function contextOf(tls: HttpTls | undefined, ca: readonly string[] | undefined): SecureContext {
	const client = tls?.client ?? [];
	return createSecureContext({
		...(ca === undefined ? {} : {ca: [...ca]}),
		...(client.length === 0 ? {} : {cert: client.map(({cert}) => cert), key: client.map(({key}) => key)}),
	});
}

async function readAll(files: readonly string[]): Promise<readonly string[]> {
	const texts = await Promise.all(files.map(async file => readFile(file, 'latin1').catch(() => '')));
	return [...new Set(texts.filter(text => text.includes('-----BEGIN ')))];
}
