import {hasCode} from '../../../core/errors.js';
import type {Secret} from '../../../core/secret.js';
import {yearsAfter} from '../authority.js';
import {leafProblem} from '../judge.js';
import {type ReadCertificate, readCertificate} from '../read-certificate.js';
import {encodeSubject} from '../subject.js';
import {type FoundFiles, secretAt, textAt} from './authorities.js';
import type {ClusterAuthority} from './given-authority.js';
import type {PkiItem} from './items.js';
import {readKubeconfig} from './kubeconfig.js';

/** What was found of an item. */
export interface FoundItem {
	/** Nothing of it is there. */
	readonly isAbsent: boolean;
	/** Why it cannot stay, in a few words; undefined when it may. */
	readonly problem: string | undefined;
}

/** What is promised of everything that is made here. */
export const promisedYears = 99;

/** Judges what a host has of an item: it stays as long as kubeadm would keep it, it serves all its names, and nothing shortened its life. */
export function judgeItem(item: PkiItem, authority: ClusterAuthority, files: FoundFiles, now: Date): FoundItem {
	const {form} = item;
	if (form.kind === 'pair') {
		const [certPem, keyPem] = [textAt(files, form.certificate), secretAt(files, form.key)];
		if (certPem === undefined && keyPem === undefined) return absent;
		if (certPem === undefined || keyPem === undefined)
			return wrong(`${certPem === undefined ? form.certificate : form.key} is missing`);
		return {isAbsent: false, problem: pairProblem(item, authority, {certPem, keyPem}, now)};
	}
	const text = textAt(files, form.path);
	if (text === undefined) return absent;
	if (form.kind === 'joined') {
		const keyPem = secretAt(files, form.path)!;
		return {isAbsent: false, problem: pairProblem(item, authority, {certPem: text, keyPem}, now)};
	}
	const config = readKubeconfig(text);
	if (config === undefined) return wrong('it is no kubeconfig');
	if (config.authorityPem?.trim() !== authority.certPem.trim()) return wrong('it trusts another authority');
	if (config.server !== form.server) return wrong(`it leads to ${config.server ?? 'no server'}, not to ${form.server}`);
	const {certPem, keyPem} = config;
	if (certPem === undefined || keyPem === undefined) return wrong('it holds no certificate and key');
	return {isAbsent: false, problem: pairProblem(item, authority, {certPem, keyPem}, now)};
}

const absent: FoundItem = {isAbsent: true, problem: undefined};

function wrong(problem: string): FoundItem {
	return {isAbsent: false, problem};
}

function pairProblem(
	item: PkiItem,
	authority: ClusterAuthority,
	pair: {readonly certPem: string; readonly keyPem: Secret},
	now: Date,
): string | undefined {
	const {alternativeNames} = item;
	const problem = leafProblem(pair, {authorityPem: authority.certPem, alternativeNames, now, days: 0});
	if (problem !== undefined) return problem;
	try {
		const leaf = readCertificate(pair.certPem, item.id);
		return identityProblem(item, leaf) ?? lifeProblem(leaf, authority, now);
	} catch (error) {
		if (hasCode(error, 'ERR_CERTIFICATE')) return 'it cannot be read';
		throw error;
	}
}

function identityProblem({subject, purposes}: PkiItem, leaf: ReadCertificate): string | undefined {
	const {x509} = leaf;
	const uses = new Set(x509.keyUsage);
	const missing = purposes.find(purpose => !uses.has(purpose === 'server' ? serverUse : clientUse));
	if (missing !== undefined) return `it is not for a ${missing}`;
	// Other tools order the parts of a name, and choose its types of text, in their own way.
	if (leaf.subject.equals(encodeSubject(subject)) || parts(x509.subject) === partsOf(subject)) return undefined;
	return `it is about ${x509.subject.replaceAll('\n', ', ')}`;
}

const serverUse = '1.3.6.1.5.5.7.3.1';
const clientUse = '1.3.6.1.5.5.7.3.2';

function partsOf({commonName, organizations = []}: PkiItem['subject']): string {
	return parts([...organizations.map(name => `O=${name}`), `CN=${commonName}`].join('\n'));
}

function parts(subject: string): string {
	return subject
		.split('\n')
		.flatMap(line => line.split('+'))
		.toSorted()
		.join('\n');
}

/** A certificate that ends when its authority does cannot be made any better. */
function lifeProblem(
	{notBefore, notAfter}: ReadCertificate,
	authority: ClusterAuthority,
	now: Date,
): string | undefined {
	const dayMs = 86_400_000;
	if (authority.notAfter.getTime() - notAfter.getTime() < dayMs) return undefined;
	const ends = `it ends on ${notAfter.toISOString().slice(0, 10)}`;
	// kubeadm and others renew for a year: from then on the promise would not hold.
	if (notAfter < yearsAfter(notBefore, promisedYears))
		return `${ends}, not after the ${promisedYears} years that are promised`;
	return notAfter.getTime() - now.getTime() < 365 * dayMs ? ends : undefined;
}
