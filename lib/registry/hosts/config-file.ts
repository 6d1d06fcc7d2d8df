import {X509Certificate} from 'node:crypto';
import {readdir, readFile, stat} from 'node:fs/promises';
import {createSecureContext} from 'node:tls';
import {SealError} from '../../core/errors.js';
import type {HttpTls} from '../../core/http.js';
import {ifExists, ioError} from '../../core/io-error.js';

/** Configuration files and certificates are a few kilobytes. */
const maxFileBytes = 4 * 1024 * 1024;

/** A configuration file says something that cannot be followed. */
export function configError(file: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_REGISTRY_CONFIG', `${file}: ${why}`, {
		hint: 'Mend the file, or leave it out.',
		details: {file},
		...(cause === undefined ? {} : {cause}),
	});
}

/** The text of a file; undefined when it does not exist. @throws SealError ERR_PERMISSION, ERR_IO, ERR_REGISTRY_CONFIG */
export async function readConfigFile(path: string): Promise<string | undefined> {
	try {
		return await ifExists(async () => {
			const {size} = await stat(path);
			if (size > maxFileBytes) throw configError(path, `it has ${size} bytes, at most ${maxFileBytes} are read`);
			return await readFile(path, 'utf8');
		});
	} catch (error) {
		throw ioError(error, 'read', path);
	}
}

/** The names in a folder, sorted; undefined when it does not exist. @throws SealError */
export async function listFolder(path: string): Promise<readonly string[] | undefined> {
	try {
		return (await ifExists(() => readdir(path)))?.toSorted();
	} catch (error) {
		throw ioError(error, 'read', path);
	}
}

/** Certificates of authorities. @throws SealError naming the file */
export async function readAuthorities(path: string): Promise<string> {
	const text = await required(path);
	if (!text.includes('-----BEGIN CERTIFICATE-----')) throw configError(path, 'it holds no certificate in PEM form');
	try {
		for (const [certificate] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g))
			new X509Certificate(certificate);
	} catch (error) {
		throw configError(path, 'its certificate is damaged', error);
	}
	return text;
}

/** A certificate that this side shows, and its key. @throws SealError naming the files */
export async function readClientPair(
	certPath: string,
	keyPath: string,
): Promise<NonNullable<HttpTls['client']>[number]> {
	const [cert, key] = await Promise.all([required(certPath), required(keyPath)]);
	try {
		createSecureContext({cert, key});
	} catch (error) {
		const file = certPath === keyPath ? certPath : `${certPath} and ${keyPath}`;
		throw configError(file, 'they are not a client certificate in PEM form and its key', error);
	}
	return {cert, key};
}

async function required(path: string): Promise<string> {
	const text = await readConfigFile(path);
	if (text === undefined) throw configError(path, 'it does not exist');
	return text;
}
