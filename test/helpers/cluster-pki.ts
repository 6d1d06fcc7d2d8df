import type {KeyPair} from '../../lib/runtime/pki/authority.js';
import {signCertificate} from '../../lib/runtime/pki/certificate.js';
import {type FoundFiles, type SharedOptions, sharedPki} from '../../lib/runtime/pki/cluster/authorities.js';
import {describeCluster, type PkiClusterSpec} from '../../lib/runtime/pki/cluster/description.js';
import {type HostPki, type PkiFile, planPki} from '../../lib/runtime/pki/cluster/plan.js';
import {authorityExtensions} from '../../lib/runtime/pki/extensions.js';
import {
	generateKey,
	keyIdentifier,
	privateKeyPem,
	publicKeyInfo,
	readPrivateKey,
	signerOf,
} from '../../lib/runtime/pki/keys.js';
import {readCertificate} from '../../lib/runtime/pki/read-certificate.js';
import {encodeSubject} from '../../lib/runtime/pki/subject.js';

export const pkiNow = new Date('2026-11-21T18:00:00Z');

/** Three masters and a worker behind a virtual address. */
export const threeMasters: PkiClusterSpec = {
	kubernetesVersion: '1.20.2',
	endpoint: 'api.example:6443',
	virtualAddresses: ['10.103.97.2'],
	masters: [1, 2, 3].map(n => ({name: `m${n}`, address: `10.0.0.${n}`})),
	nodes: [{name: 'w1', address: '10.0.0.9'}],
};

/** Plans over what is there, as a run does. */
export async function planAll(
	spec: PkiClusterSpec,
	found: ReadonlyMap<string, FoundFiles> = new Map(),
	options: SharedOptions = {},
): Promise<readonly HostPki[]> {
	const cluster = describeCluster(spec);
	const given = {now: pkiNow, ...options};
	return await planPki(cluster, await sharedPki(cluster, found, given), found, given);
}

/** What hosts have once the files of a plan are written over what they had. */
export function written(
	plans: readonly HostPki[],
	before: ReadonlyMap<string, FoundFiles> = new Map(),
): Map<string, Map<string, Uint8Array>> {
	return new Map(
		plans.map(({host, files}) => [
			host,
			new Map([...(before.get(host) ?? []), ...files.map(file => [file.path, Buffer.from(contentOf(file))] as const)]),
		]),
	);
}

export function contentOf({content}: PkiFile): string {
	return typeof content === 'string' ? content : content.reveal();
}

/** What is not kept: `m1 etcd/peer renew: it does not name m9`. */
export function changes(plans: readonly HostPki[]): readonly string[] {
	return plans.flatMap(({host, decisions}) =>
		decisions
			.filter(decision => decision.do !== 'keep')
			.map(({item, do: what, why}) => `${host} ${item} ${what}${why === undefined ? '' : `: ${why}`}`),
	);
}

export function textOf(files: FoundFiles | undefined, path: string): string {
	return Buffer.from(files?.get(path) ?? []).toString();
}

/** An authority that another one signed. */
export async function authorityBelow(above: KeyPair, commonName: string, pathLength: number): Promise<KeyPair> {
	const key = await generateKey();
	const info = publicKeyInfo(key);
	const issuer = readCertificate(above.certPem, 'above');
	const certPem = signCertificate(
		{
			serial: Buffer.from([1]),
			issuer: issuer.subject,
			subject: encodeSubject({commonName}),
			notBefore: issuer.notBefore,
			notAfter: issuer.notAfter,
			publicKeyInfo: info,
			extensions: authorityExtensions(keyIdentifier(info), [], pathLength, issuer.keyIdentifier),
		},
		signerOf(readPrivateKey(above.keyPem, 'above')),
	);
	return {certPem, keyPem: privateKeyPem(key)};
}
