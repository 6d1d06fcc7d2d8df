import {readFile} from 'node:fs/promises';
import {Agent} from 'node:https';
import {dirname, resolve} from 'node:path';
import {SealError} from '../core/errors.js';
import {withIo} from '../core/io-error.js';
import {parseYaml} from '../core/yaml.js';
import type {ApiAccess} from './endpoints.js';

/**
 * How a kubeconfig's current context reaches its cluster: authority, and a client certificate or a token, inline or in files. Programs that
 * make credentials are not run.
 * @throws SealError ERR_LB_CONFIG, ERR_YAML, ERR_IO, ERR_PERMISSION
 */
export async function apiAccess(file: string): Promise<ApiAccess> {
	const text = await withIo('read', file, () => readFile(file, 'utf8'));
	const document = (parseYaml(text, file)[0] ?? {}) as Kubeconfig;
	const context = named(document.contexts, document['current-context'])?.context;
	const cluster = named(document.clusters, context?.cluster)?.cluster;
	const user = named(document.users, context?.user)?.user;
	if (typeof cluster?.server !== 'string' || !cluster.server.startsWith('https://'))
		throw new SealError('ERR_LB_CONFIG', `The kubeconfig ${file} names no cluster that is reached over https`);
	const material = async (data: unknown, path: unknown): Promise<string | undefined> => {
		if (typeof data === 'string') return Buffer.from(data, 'base64').toString();
		if (typeof path !== 'string') return undefined;
		const absolute = resolve(dirname(file), path);
		return await withIo('read', absolute, () => readFile(absolute, 'utf8'));
	};
	const [ca, cert, key, token] = await Promise.all([
		material(cluster['certificate-authority-data'], cluster['certificate-authority']),
		material(user?.['client-certificate-data'], user?.['client-certificate']),
		material(user?.['client-key-data'], user?.['client-key']),
		typeof user?.token === 'string' ? user.token : material(undefined, user?.tokenFile),
	]);
	if (ca === undefined)
		throw new SealError('ERR_LB_CONFIG', `The kubeconfig ${file} has no authority for ${cluster.server}`);
	const client = cert === undefined || key === undefined ? {} : {cert, key};
	const agent = new Agent({ca, ...client, maxSockets: 2, minVersion: 'TLSv1.2'});
	return {server: cluster.server, agent, token: token?.trim()};
}

interface Kubeconfig {
	readonly 'current-context'?: unknown;
	readonly contexts?: unknown;
	readonly clusters?: unknown;
	readonly users?: unknown;
}

interface Entry {
	readonly name?: unknown;
	readonly context?: {readonly cluster?: unknown; readonly user?: unknown};
	readonly cluster?: Readonly<Record<string, unknown>>;
	readonly user?: Readonly<Record<string, unknown>>;
}

function named(list: unknown, name: unknown): Entry | undefined {
	return Array.isArray(list)
		? ((list as (Entry | null)[]).find(entry => entry?.name === name && name !== undefined) ?? undefined)
		: undefined;
}
