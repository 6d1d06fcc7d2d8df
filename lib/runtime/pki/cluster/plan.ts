import {SealError} from '../../../core/errors.js';
import {mapBounded} from '../../../core/pool.js';
import {Secret} from '../../../core/secret.js';
import {issueLeaf, type KeyPair} from '../authority.js';
import {generateKey} from '../keys.js';
import {type FoundFiles, type PkiCircumstances, type SharedPki, textAt} from './authorities.js';
import {type ClusterHost, hostsOf, type PkiCluster} from './description.js';
import {type ClusterAuthority, readAuthority} from './given-authority.js';
import {endpointUrl, itemsOf, localUrl, type PkiItem} from './items.js';
import {judgeItem} from './judge-item.js';
import {formatKubeconfig, readKubeconfig} from './kubeconfig.js';
import {authorityIds, authorityPlaces, kubeconfigPlaces, kubeletClientPlace, serviceAccountPlaces} from './places.js';

/** What becomes of one item on one host, and why. Holds no secret: it may be shown. */
export interface PkiDecision {
	readonly item: string;
	/** `make`: it was not there; `renew`: it was, and cannot stay. */
	readonly do: 'keep' | 'make' | 'renew';
	readonly why: string | undefined;
}

/** A file to write; files that stay are not among them. Owned by root, in folders that only root writes to. */
export interface PkiFile {
	readonly path: string;
	readonly mode: '600' | '644';
	readonly content: Secret | string;
}

export interface HostPki {
	readonly host: string;
	readonly decisions: readonly PkiDecision[];
	/** A key before its certificate: a pair that is half written is judged as damaged, and made again. */
	readonly files: readonly PkiFile[];
}

/**
 * What every host of the cluster has to get, so that kubeadm, kubelets and the rest find all certificates made. What is good stays, so a second
 * plan over the files of the first is empty. Makes keys; touches no host.
 * @param found what each host has by its name; nothing for hosts that are new
 * @throws SealError ERR_PKI_AUTHORITY when a certificate is needed whose authority has no key here
 */
export async function planPki(
	cluster: PkiCluster,
	shared: SharedPki,
	found: ReadonlyMap<string, FoundFiles>,
	options: PkiCircumstances & {readonly signal?: AbortSignal | undefined} = {},
): Promise<readonly HostPki[]> {
	const work = hostsOf(cluster).map(host => ({host, files: found.get(host.name) ?? new Map<string, Uint8Array>()}));
	const sealed = work.flatMap(({host, files}) => sealedItems(cluster, shared, host, files, options));
	if (sealed.length > 0) throw noKey(sealed);
	const {signal} = options;
	// Keys are made by the threads of libuv, four unless told otherwise; RSA keeps them busy.
	return await mapBounded(work, 8, async ({host, files}) => await planHost(cluster, shared, host, files, options), {
		signal,
	});
}

async function planHost(
	cluster: PkiCluster,
	shared: SharedPki,
	host: ClusterHost,
	found: FoundFiles,
	options: PkiCircumstances,
): Promise<HostPki> {
	const {now = new Date()} = options;
	const results = [...sharedFiles(shared, host, found, now), kubeletConfig(cluster, shared, host, found)];
	const made = await Promise.all(
		itemsOf(cluster, host).map(async item => {
			const authority = shared.authorities[item.authority];
			const {isAbsent, problem} = judgeItem(item, authority, found, now);
			if (!isAbsent && problem === undefined) return keep(item.id);
			const files = await makeItem(item, cluster, authority, options);
			return {decision: decided(item.id, isAbsent, problem), files};
		}),
	);
	const all = [...results, ...made];
	return {
		host: host.name,
		decisions: all.map(({decision}) => decision),
		files: all.flatMap(({files}) => files),
	};
}

interface Result {
	readonly decision: PkiDecision;
	readonly files: readonly PkiFile[];
}

function keep(item: string): Result {
	return {decision: {item, do: 'keep', why: undefined}, files: []};
}

function decided(item: string, isAbsent: boolean, why: string | undefined): PkiDecision {
	return isAbsent ? {item, do: 'make', why: undefined} : {item, do: 'renew', why};
}

/** Items that have to be made, and nobody here can sign. */
function sealedItems(
	cluster: PkiCluster,
	{authorities}: SharedPki,
	host: ClusterHost,
	found: FoundFiles,
	{now = new Date()}: PkiCircumstances,
): readonly string[] {
	return itemsOf(cluster, host).flatMap(item => {
		const authority = authorities[item.authority];
		if (authority.keyPem !== undefined) return [];
		const {isAbsent, problem} = judgeItem(item, authority, found, now);
		if (!isAbsent && problem === undefined) return [];
		return [`${host.name}: ${item.id} (${item.authority}), ${isAbsent ? 'which is missing' : problem}`];
	});
}

function noKey(sealed: readonly string[]): SealError {
	const more = sealed.length > 5 ? `; and ${sealed.length - 5} more` : '';
	return new SealError(
		'ERR_PKI_AUTHORITY',
		`The key of an authority is not here, and ${sealed.length === 1 ? 'a certificate is' : 'certificates are'} needed from it: ${sealed.slice(0, 5).join('; ')}${more}`,
		{
			hint: 'Give the key of the authority, or put the missing certificates and keys on the hosts.',
			details: {items: sealed},
		},
	);
}

/** Authorities and keys that hosts get as they are. Workers know the cluster's authority, and no key. */
function sharedFiles(
	{authorities, serviceAccounts}: SharedPki,
	host: ClusterHost,
	found: FoundFiles,
	now: Date,
): readonly Result[] {
	const ids = host.isMaster ? authorityIds : (['kubernetes'] as const);
	const known = ids.map((id): Result => {
		const {certificate, key, commonName} = authorityPlaces[id];
		const authority = authorities[id];
		const files: PkiFile[] = [];
		if (host.isMaster && authority.keyPem !== undefined && !found.has(key))
			files.push({path: key, mode: '600', content: authority.keyPem});
		const there = textAt(found, certificate);
		const isKept = there !== undefined && isSameAuthority(there, authority, now);
		if (!isKept) files.push({path: certificate, mode: '644', content: authority.chainPem});
		const problem = isKept ? 'its key was missing' : 'the host trusts another authority';
		return files.length === 0 ? keep(commonName) : {decision: decided(commonName, there === undefined, problem), files};
	});
	if (!host.isMaster) return known;
	const {key, publicKey} = serviceAccountPlaces;
	const files: PkiFile[] = [];
	if (!found.has(key)) files.push({path: key, mode: '600', content: serviceAccounts.keyPem});
	if (!found.has(publicKey)) files.push({path: publicKey, mode: '644', content: serviceAccounts.publicPem});
	const decision = decided('sa', !found.has(key), 'the public half was missing');
	return [...known, files.length === 0 ? keep('sa') : {decision, files}];
}

/** Masters that differ were refused before; a worker that differs gets the cluster's authority. */
function isSameAuthority(pem: string, authority: ClusterAuthority, now: Date): boolean {
	try {
		return readAuthority(authority.id, {certPem: pem}, 'It', now).certPem === authority.certPem;
	} catch {
		return false;
	}
}

/**
 * Points to the file in which a kubelet keeps its certificate, and replaces it when the time comes. A master's kubelet speaks to its own API
 * server where kubeadm lets it: kubeadm itself decides about that later, so both ways are left as they are.
 */
function kubeletConfig(cluster: PkiCluster, {authorities}: SharedPki, host: ClusterHost, found: FoundFiles): Result {
	const path = kubeconfigPlaces.kubelet;
	const item = 'kubelet.conf';
	const {certPem} = authorities.kubernetes;
	const text = textAt(found, path);
	const there = text === undefined ? undefined : readKubeconfig(text);
	const servers = host.isMaster ? [endpointUrl(cluster), localUrl(cluster, host)] : [endpointUrl(cluster)];
	const isSame =
		there?.authorityPem?.trim() === certPem.trim() &&
		servers.includes(there.server ?? '') &&
		there.certPath === kubeletClientPlace &&
		there.keyPath === kubeletClientPlace;
	if (isSame) return keep(item);
	const content = formatKubeconfig({
		cluster: cluster.name,
		server: endpointUrl(cluster),
		authorityPem: certPem,
		user: `system:node:${host.name}`,
		credentials: {path: kubeletClientPlace},
	});
	const why = 'its authority, server or certificate is another';
	return {decision: decided(item, text === undefined, why), files: [{path, mode: '600', content}]};
}

async function makeItem(
	item: PkiItem,
	cluster: PkiCluster,
	authority: ClusterAuthority,
	options: PkiCircumstances,
): Promise<readonly PkiFile[]> {
	const {form, subject, purposes, alternativeNames} = item;
	const {keyPem: authorityKey} = authority;
	if (authorityKey === undefined) throw noKey([item.id]);
	const leaf = await issueLeaf(
		{certPem: authority.certPem, keyPem: authorityKey},
		{
			...options,
			subject,
			purposes,
			alternativeNames,
			until: authority.notAfter,
			key: await (options.generate ?? generateKey)(cluster.algorithm),
		},
	);
	const pair: KeyPair = {certPem: leaf.certPem + authority.intermediatesPem, keyPem: leaf.keyPem};
	if (form.kind === 'pair') {
		return [
			{path: form.key, mode: '600', content: pair.keyPem},
			{path: form.certificate, mode: '644', content: pair.certPem},
		];
	}
	if (form.kind === 'joined')
		return [{path: form.path, mode: '600', content: new Secret(pair.certPem + pair.keyPem.reveal())}];
	const {server, user, path} = form;
	const content = formatKubeconfig({
		cluster: cluster.name,
		server,
		authorityPem: authority.certPem,
		user,
		credentials: pair,
	});
	return [{path, mode: '600', content}];
}
