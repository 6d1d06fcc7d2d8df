import {hasCode} from '../../../core/errors.js';
import {pkiFolder} from '../cluster/places.js';
import {type ReadCertificate, readCertificates} from '../read-certificate.js';
import {placeOf, type TlsEndpoint} from './endpoints.js';
import type {ObservedCertificates} from './observe.js';
import type {Served} from './served.js';

/** One certificate at one place of one host. JSON-safe. */
export interface CheckedCertificate {
	readonly host: string;
	/** `apiserver`, `etcd/peer`, `admin.conf`, `kubelet-client-current.pem`; of what is served, the component. */
	readonly item: string;
	/** The path of the file, or the address and port where it is served. */
	readonly place: string;
	readonly source: 'file' | 'served';
	/** `O=system:nodes, CN=system:node:m1` */
	readonly subject: string;
	readonly issuer: string;
	readonly isAuthority: boolean;
	readonly notBefore: string;
	readonly notAfter: string;
	/** The first to end of it and the authorities above it. */
	readonly endsAt: string;
	/** Whole days until then; negative when it has ended. */
	readonly daysLeft: number;
	/** DNS names and addresses. */
	readonly names: readonly string[];
	/** Whether the authority that it should be from signed it. */
	readonly chain: ChainState;
	readonly sha256: string;
}

export type ChainState = 'ok' | 'self-signed' | 'another-authority' | 'unknown';

/** A place whose certificate cannot be read. */
export interface UnreadablePlace {
	readonly host: string;
	readonly place: string;
}

/** Every certificate of a host, files first. */
export function rowsOf(
	host: string,
	observed: ObservedCertificates,
	served: readonly Served[],
	now: Date,
): {readonly rows: readonly CheckedCertificate[]; readonly unreadable: readonly UnreadablePlace[]} {
	const rows: CheckedCertificate[] = [];
	const unreadable: UnreadablePlace[] = [];
	const signed = boundedCheck();
	const authorities = new Map(authorityFiles.map(path => [path, tryRead(observed.files.get(path) ?? '')]));
	const add = (item: string, place: string, source: 'file' | 'served', pem: string, authority: string): void => {
		const chain = tryRead(pem);
		if (chain === undefined) unreadable.push({host, place});
		else rows.push(rowOf({host, item, place, source}, chain, authority, {authorities, signed}, now));
	};
	for (const [path, pem] of observed.files) add(itemOf(path), path, 'file', pem, authorityFor(path));
	for (const [path, {certPem, certPath, authorityPem}] of observed.kubeconfigs) {
		// What a kubeconfig refers to is among the files.
		if (certPem !== undefined) add(itemOf(path), path, 'file', certPem, authorityFor(path));
		else if (certPath === undefined && authorityPem === undefined) unreadable.push({host, place: path});
	}
	for (const answer of served) {
		if (!('pem' in answer)) continue;
		const {endpoint, pem} = answer;
		add(endpoint.component, placeOf(endpoint), 'served', pem, authorityOfEndpoint(endpoint));
	}
	return {rows, unreadable};
}

const clusterAuthority = `${pkiFolder}/ca.crt`;
const etcdAuthority = `${pkiFolder}/etcd/ca.crt`;
const proxyAuthority = `${pkiFolder}/front-proxy-ca.crt`;
const registryAuthority = '/etc/sealimage/registry/ca.crt';
/** Files with authorities that others on the host are judged by. */
export const authorityFiles = [clusterAuthority, etcdAuthority, proxyAuthority, registryAuthority];

function authorityFor(path: string): string {
	if (path.startsWith(`${pkiFolder}/etcd/`) || path === `${pkiFolder}/apiserver-etcd-client.crt`) return etcdAuthority;
	if (path === `${pkiFolder}/front-proxy-client.crt` || path === proxyAuthority) return proxyAuthority;
	return path.startsWith('/etc/sealimage/registry/') ? registryAuthority : clusterAuthority;
}

function authorityOfEndpoint({component}: TlsEndpoint): string {
	if (component.startsWith('etcd')) return etcdAuthority;
	return component === 'registry' ? registryAuthority : clusterAuthority;
}

function itemOf(path: string): string {
	if (path.startsWith(`${pkiFolder}/`)) return path.slice(pkiFolder.length + 1).replace(/\.crt$/, '');
	return path.startsWith('/etc/sealimage/registry/')
		? `registry/${path.slice(path.lastIndexOf('/') + 1).replace(/\.crt$/, '')}`
		: path.slice(path.lastIndexOf('/') + 1);
}

type Chain = readonly ReadCertificate[];

interface Known {
	/** By the paths of `authorityFiles`. */
	readonly authorities: ReadonlyMap<string, Chain | undefined>;
	readonly signed: (above: ReadCertificate, below: ReadCertificate) => boolean;
}

function tryRead(pem: string): Chain | undefined {
	try {
		return readCertificates(pem, 'It');
	} catch (error) {
		if (hasCode(error, 'ERR_CERTIFICATE')) return undefined;
		throw error;
	}
}

function rowOf(
	where: Pick<CheckedCertificate, 'host' | 'item' | 'place' | 'source'>,
	chain: Chain,
	authorityPath: string,
	known: Known,
	now: Date,
): CheckedCertificate {
	const [first] = chain as [ReadCertificate];
	const {x509, notBefore, notAfter} = first;
	const {state, endsAt} = follow(chain, authorityPath, known);
	return {
		...where,
		subject: oneLine(x509.subject),
		issuer: oneLine(x509.issuer),
		isAuthority: x509.ca,
		notBefore: notBefore.toISOString(),
		notAfter: notAfter.toISOString(),
		endsAt: endsAt.toISOString(),
		daysLeft: Math.floor((endsAt.getTime() - now.getTime()) / 86_400_000),
		names: (x509.subjectAltName ?? '')
			.split(', ')
			.filter(name => name !== '')
			.map(name => name.replace(/^(?:DNS|IP Address):/, '')),
		chain: state,
		sha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
	};
}

/** Goes up from the first certificate, through those that came with it, to the authority that it should be from. */
function follow(
	chain: Chain,
	authorityPath: string,
	{authorities, signed}: Known,
): {readonly state: ChainState; readonly endsAt: Date} {
	const trusted = authorities.get(authorityPath) ?? [];
	const others = [...authorities.values()].flatMap(found => found ?? []);
	let current = chain[0]!;
	let endsAt = current.notAfter;
	for (let steps = 0; steps < 10; steps++) {
		if (trusted.some(({x509}) => x509.raw.equals(current.x509.raw)))
			return {state: 'ok', endsAt: earliest(trusted, endsAt)};
		const above = [...trusted, ...chain].find(candidate => candidate !== current && signed(candidate, current));
		if (above === undefined) break;
		current = above;
		if (current.notAfter < endsAt) endsAt = current.notAfter;
	}
	if (others.some(other => signed(other, current))) return {state: 'another-authority', endsAt};
	return {state: signed(current, current) ? 'self-signed' : 'unknown', endsAt};
}

/** Above an authority that signs stand those of its own file. */
function earliest(trusted: Chain, endsAt: Date): Date {
	return trusted.length > 1
		? new Date(Math.min(endsAt.getTime(), ...trusted.map(({notAfter}) => notAfter.getTime())))
		: endsAt;
}

/** Whether one certificate is signed by the other. A host that has thousands of one name cannot keep the operator busy: after so many it is a no. */
function boundedCheck(): Known['signed'] {
	let left = 2000;
	return (above, below) => below.x509.checkIssued(above.x509) && left-- > 0 && below.x509.verify(above.x509.publicKey);
}

function oneLine(name: string): string {
	return name.replaceAll('\n', ', ');
}
