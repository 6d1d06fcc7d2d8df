import {join} from 'node:path';
import type {HttpTls} from '../../core/http.js';
import {configError, listFolder, readAuthorities, readClientPair} from './config-file.js';

/**
 * What docker keeps for a host in a folder: `*.crt` are authorities, `x.cert` with `x.key` a client certificate. Undefined
 * when there is no such folder.
 * @throws SealError ERR_REGISTRY_CONFIG, ERR_PERMISSION, ERR_IO, naming the file
 */
export async function readCertsDir(folder: string): Promise<HttpTls | undefined> {
	const names = await listFolder(folder);
	if (names === undefined) return undefined;
	const ca: string[] = [];
	const client: NonNullable<HttpTls['client']>[number][] = [];
	for (const name of names) {
		const path = join(folder, name);
		if (name.endsWith('.crt')) ca.push(await readAuthorities(path));
		else if (name.endsWith('.cert')) {
			const key = `${name.slice(0, -'.cert'.length)}.key`;
			if (!names.includes(key)) throw configError(path, `there is no ${key} beside it`);
			client.push(await readClientPair(path, join(folder, key)));
		} else if (name.endsWith('.key') && !names.includes(`${name.slice(0, -'.key'.length)}.cert`)) {
			throw configError(path, `there is no ${name.slice(0, -'.key'.length)}.cert beside it`);
		}
	}
	return {...(ca.length === 0 ? {} : {ca}), ...(client.length === 0 ? {} : {client})};
}

/** The first of several folders that has one for this host. */
export async function findCertsDir(roots: readonly string[], host: string): Promise<HttpTls | undefined> {
	const name = folderName(host);
	if (name === undefined) return undefined;
	for (const root of roots) {
		const found = await readCertsDir(join(root, name));
		if (found !== undefined) return found;
	}
	return undefined;
}

/** A host as a file name: hosts come from registries too, and none may climb. */
export function folderName(host: string): string | undefined {
	return /^(?!\.+$)[\w.:[\]-]+$/.test(host) ? host : undefined;
}
