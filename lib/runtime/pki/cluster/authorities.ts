import {createPublicKey, type KeyObject} from 'node:crypto';
import {SealError} from '../../../core/errors.js';
import {Secret} from '../../../core/secret.js';
import {type Circumstances, createAuthority} from '../authority.js';
import {generateKey, type KeyAlgorithm, privateKeyPem, publicKeyInfo, readPrivateKey} from '../keys.js';
import type {PkiCluster} from './description.js';
import {type ClusterAuthority, type GivenAuthority, readAuthority} from './given-authority.js';
import {type AuthorityId, authorityIds, authorityPlaces, serviceAccountPlaces} from './places.js';

/** What all masters of a cluster share. */
export interface SharedPki {
	readonly authorities: Readonly<Record<AuthorityId, ClusterAuthority>>;
	readonly serviceAccounts: ServiceAccountKeys;
}

export interface ServiceAccountKeys {
	readonly keyPem: Secret;
	/** It may hold further keys, of tokens that are older. */
	readonly publicPem: string;
}

/** Files of a host by path, as they were read. */
export type FoundFiles = ReadonlyMap<string, Uint8Array>;

/** How keys are made; tests and other sources of keys pass their own. */
export interface PkiCircumstances extends Circumstances {
	readonly generate?: ((algorithm: KeyAlgorithm) => Promise<KeyObject>) | undefined;
}

export interface SharedOptions extends PkiCircumstances {
	/** Authorities of the user's own, for those that are not to be made. */
	readonly given?: Readonly<Partial<Record<AuthorityId, GivenAuthority>>> | undefined;
}

/**
 * Takes what the masters have, else what the user gives, and makes what nobody has. Only masters are believed. An authority is never
 * replaced: where two differ, nothing is done.
 * @param found the files of each master by its name
 * @throws SealError ERR_PKI_AUTHORITY when masters, or a master and the user, differ, or what is there cannot be used; ERR_CERTIFICATE
 */
export async function sharedPki(
	cluster: PkiCluster,
	found: ReadonlyMap<string, FoundFiles>,
	options: SharedOptions = {},
): Promise<SharedPki> {
	const masters = cluster.masters.flatMap(({name}) => {
		const files = found.get(name);
		return files === undefined ? [] : [{name, files}];
	});
	const [kubernetes, etcd, frontProxy] = await Promise.all(
		authorityIds.map(id => authorityOf(id, cluster, masters, options)),
	);
	const serviceAccounts = await serviceAccountKeys(cluster, masters, options);
	return {authorities: {kubernetes: kubernetes!, etcd: etcd!, 'front-proxy': frontProxy!}, serviceAccounts};
}

interface FoundMaster {
	readonly name: string;
	readonly files: FoundFiles;
}

async function authorityOf(
	id: AuthorityId,
	cluster: PkiCluster,
	masters: readonly FoundMaster[],
	options: SharedOptions,
): Promise<ClusterAuthority> {
	const {now = new Date()} = options;
	const given = options.given?.[id];
	const own =
		given === undefined ? [] : [{where: 'the given file', authority: readAuthority(id, given, 'The file', now)}];
	const known = [...own, ...masters.flatMap(master => foundAuthority(id, master, now))];
	const [first] = known;
	if (first === undefined) return await makeAuthority(id, cluster, options);
	const other = known.find(({authority}) => authority.certPem !== first.authority.certPem);
	if (other !== undefined) {
		throw conflict(
			`The authority "${id}" of ${first.where} is another one than that of ${other.where}`,
			'Name the hosts of one cluster, or remove the other one with "sealimage reset" first; an authority is not replaced.',
		);
	}
	// Another master may know the way to the root, or have the key.
	const withKey = known.find(({authority}) => authority.keyPem !== undefined);
	return {...first.authority, keyPem: withKey?.authority.keyPem};
}

function foundAuthority(
	id: AuthorityId,
	{name, files}: FoundMaster,
	now: Date,
): readonly {readonly where: string; readonly authority: ClusterAuthority}[] {
	const {certificate, key} = authorityPlaces[id];
	const [certPem, keyPem] = [textAt(files, certificate), secretAt(files, key)];
	if (certPem === undefined && keyPem === undefined) return [];
	if (certPem === undefined) {
		throw conflict(
			`${name} has ${key}, but no ${certificate}`,
			'Restore the certificate from a backup or another master, or move the key away if nothing needs it.',
		);
	}
	return [{where: name, authority: readAuthority(id, {certPem, keyPem}, `${name}:${certificate}`, now)}];
}

async function makeAuthority(
	id: AuthorityId,
	{facts, algorithm}: PkiCluster,
	options: PkiCircumstances,
): Promise<ClusterAuthority> {
	const {commonName} = authorityPlaces[id];
	const {certPem, keyPem} = await createAuthority({
		...options,
		subject: {commonName},
		key: await (options.generate ?? generateKey)(algorithm),
		alternativeNames: facts.namesAuthorities ? [commonName] : [],
	});
	return readAuthority(id, {certPem, keyPem}, 'The new certificate', options.now ?? new Date());
}

async function serviceAccountKeys(
	{algorithm}: PkiCluster,
	masters: readonly FoundMaster[],
	options: PkiCircumstances,
): Promise<ServiceAccountKeys> {
	const known = masters.flatMap(master => foundServiceAccounts(master));
	const [first] = known;
	if (first === undefined) {
		// kubeadm join of a master refuses any other than RSA here.
		const key = await (options.generate ?? generateKey)(algorithm.startsWith('rsa-') ? algorithm : 'rsa-2048');
		return {keyPem: privateKeyPem(key), publicPem: publicPem(key)};
	}
	const other = known.find(({keys}) => !isSameKey(keys.keyPem, first.keys.keyPem));
	if (other === undefined) return first.keys;
	throw conflict(
		`The keys of service accounts of ${first.name} and ${other.name} differ`,
		'Name the hosts of one cluster; tokens signed with the one would not be taken by the other.',
	);
}

function foundServiceAccounts({
	name,
	files,
}: FoundMaster): readonly {readonly name: string; readonly keys: ServiceAccountKeys}[] {
	const keyPem = secretAt(files, serviceAccountPlaces.key);
	if (keyPem === undefined) return [];
	const key = readPrivateKey(keyPem, `${name}:${serviceAccountPlaces.key}`);
	const found = textAt(files, serviceAccountPlaces.publicKey);
	if (found === undefined) return [{name, keys: {keyPem, publicPem: publicPem(key)}}];
	const info = publicKeyInfo(key);
	const blocks = found.length > 64 * 1024 ? [] : (found.match(publicBlock) ?? []);
	if (blocks.some(block => tryPublicInfo(block)?.equals(info) === true))
		return [{name, keys: {keyPem, publicPem: found}}];
	throw conflict(
		`${name}:${serviceAccountPlaces.publicKey} does not hold the public half of ${serviceAccountPlaces.key}`,
		'Restore the pair from a backup or another master.',
	);
}

const publicBlock = /-----BEGIN (?:RSA )?PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END (?:RSA )?PUBLIC KEY-----/g;

function tryPublicInfo(pem: string): Buffer | undefined {
	try {
		return publicKeyInfo(createPublicKey(pem));
	} catch {
		return undefined;
	}
}

function isSameKey(one: Secret, other: Secret): boolean {
	const info = (pem: Secret): Buffer => publicKeyInfo(readPrivateKey(pem, 'The key of service accounts'));
	return one.reveal() === other.reveal() || info(one).equals(info(other));
}

function publicPem(key: KeyObject): string {
	return createPublicKey(key).export({type: 'spki', format: 'pem'}).toString();
}

/** A file as text; undefined where there is none. */
export function textAt(files: FoundFiles, path: string): string | undefined {
	const bytes = files.get(path);
	return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

export function secretAt(files: FoundFiles, path: string): Secret | undefined {
	const text = textAt(files, path);
	return text === undefined ? undefined : new Secret(text);
}

function conflict(message: string, hint: string): SealError {
	return new SealError('ERR_PKI_AUTHORITY', message, {hint});
}
