import {isIP} from 'node:net';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {endpointText} from '../../core/ip-address.js';
import {Secret} from '../../core/secret.js';
import {parseYaml, printYaml} from '../../core/yaml.js';
import {HostError} from '../host/error.js';
import {execOk} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {kubernetesPlaces} from './host-script.js';
import {isObject} from './shape.js';

/** What logs in to a cluster: base64 of PEM, as kubeconfigs have it. */
export interface AdminAccess {
	readonly authority: string;
	readonly certificate: string;
	readonly key: Secret;
}

/**
 * Reads the administrator's access from a master. Nothing else of the file is taken: a kubeconfig can name programs that are
 * run by whoever uses it.
 * @throws HostError ERR_CLUSTER_API when there is none that can be used, and what `exec` throws
 */
export async function readAdminAccess(transport: Transport, {signal}: Abortable = {}): Promise<AdminAccess> {
	const options = {signal, timeoutMs: 30_000, maxOutputBytes: 256 * 1024};
	const text = (await execOk(transport, ['cat', kubernetesPlaces.adminConf], options)).toString();
	const config = parseOne(text);
	const cluster = onlyOf(config?.clusters)?.cluster;
	const user = onlyOf(config?.users)?.user;
	const authority = base64In(cluster, 'certificate-authority-data');
	const certificate = base64In(user, 'client-certificate-data');
	const key = base64In(user, 'client-key-data');
	if (authority !== undefined && certificate !== undefined && key !== undefined)
		return {authority, certificate, key: new Secret(key)};
	throw new HostError(transport.host, 'ERR_CLUSTER_API', `${kubernetesPlaces.adminConf} is not as kubeadm writes it`, {
		hint: 'Look at the file on the host, or ask another master.',
	});
}

/** `https://10.0.0.1:6443`, for a name or an address. */
export function serverUrl(address: string, port: number): string {
	return `https://${isIP(address) === 0 ? `${address}:${port}` : endpointText({address, port})}`;
}

/** A kubeconfig with one cluster, one user and one context, all of them called after the cluster. */
export function kubeconfigOf(name: string, server: string, access: AdminAccess): Secret {
	return new Secret(printYaml([documentOf(name, server, access)]));
}

/**
 * A kubeconfig with the access to a cluster in it, in place of what it had under this name; everything else stays. The context of the
 * cluster becomes the current one.
 * @param shown the name of the file in errors
 * @throws SealError ERR_YAML, ERR_CLUSTER_API when it is no kubeconfig
 */
export function mergeKubeconfig(
	before: string,
	name: string,
	server: string,
	access: AdminAccess,
	shown: string,
): Secret {
	const documents = before.trim() === '' ? [{}] : parseYaml(before, shown);
	const [config = {}, more] = documents;
	const lists = isObject(config) ? [config.clusters, config.users, config.contexts] : [undefined];
	const isKubeconfig =
		isObject(config) && lists.every(list => list === undefined || list === null || Array.isArray(list));
	if (more !== undefined || !isKubeconfig) {
		throw new SealError('ERR_CLUSTER_API', `${shown} is no kubeconfig`, {
			hint: 'Name another file with --merge=FILE, or mend this one.',
		});
	}
	const own = documentOf(name, server, access);
	const merged = (list: unknown, item: {readonly name: string}): readonly unknown[] => [
		...(Array.isArray(list) ? (list as unknown[]) : []).filter(entry => !isObject(entry) || entry.name !== item.name),
		item,
	];
	return new Secret(
		printYaml([
			{
				...own,
				...config,
				clusters: merged(config.clusters, own.clusters[0]!),
				users: merged(config.users, own.users[0]!),
				contexts: merged(config.contexts, own.contexts[0]!),
				'current-context': name,
			},
		]),
	);
}

function documentOf(name: string, server: string, {authority, certificate, key}: AdminAccess) {
	const user = `${name}-admin`;
	return {
		apiVersion: 'v1',
		kind: 'Config',
		clusters: [{name, cluster: {server, 'certificate-authority-data': authority}}],
		users: [{name: user, user: {'client-certificate-data': certificate, 'client-key-data': key.reveal()}}],
		contexts: [{name, context: {cluster: name, user}}],
		'current-context': name,
		preferences: {},
	};
}

function parseOne(text: string): Readonly<Record<string, unknown>> | undefined {
	try {
		const [document] = parseYaml(text, kubernetesPlaces.adminConf);
		return isObject(document) ? document : undefined;
	} catch {
		// What it says of the place would quote a key.
		return undefined;
	}
}

function onlyOf(list: unknown): Readonly<Record<string, unknown>> | undefined {
	const [first] = Array.isArray(list) ? (list as unknown[]) : [];
	return isObject(first) ? first : undefined;
}

function base64In(value: unknown, field: string): string | undefined {
	const text = isObject(value) ? value[field] : undefined;
	return typeof text === 'string' && text.length > 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? text : undefined;
}
