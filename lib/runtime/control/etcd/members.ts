import {SealError} from '../../../core/errors.js';

/** A member of etcd, as the others know it. */
export interface EtcdMember {
	/** Hexadecimal, as etcdctl prints it. */
	readonly id: string;
	/** Empty until the member has started for the first time. */
	readonly name: string;
	/** `https://10.0.0.1:2380` */
	readonly peerUrls: readonly string[];
	/** None until it has started. */
	readonly clientUrls: readonly string[];
	/** It gets all data, and has no voice. */
	readonly isLearner: boolean;
}

export interface MemberHealth extends EtcdMember {
	/** It answers, and works with a majority of the others. */
	readonly isHealthy: boolean;
	/** Why not. */
	readonly why?: string | undefined;
}

/** Announced members that have never started have no name. */
export function hasStarted({name}: EtcdMember): boolean {
	return name !== '';
}

/** How many of so many members have to agree. */
export function quorumOf(voters: number): number {
	return Math.floor(voters / 2) + 1;
}

/** Why a member cannot be taken out now, in words that follow "because"; undefined when it can. */
export function removalProblem(members: readonly MemberHealth[], id: string): string | undefined {
	const voters = members.filter(({isLearner}) => !isLearner);
	const healthy = voters.filter(({isHealthy}) => isHealthy);
	const needed = quorumOf(voters.length);
	const rest = voters.filter(member => member.id !== id);
	if (rest.length === 0) return 'it is the only member';
	// The members agree on the removal before the number of those that have to agree falls.
	if (healthy.length < needed)
		return `${healthy.length} of ${voters.length} members are healthy, and ${needed} have to agree`;
	const left = healthy.filter(member => member.id !== id).length;
	if (left >= quorumOf(rest.length)) return undefined;
	return `${left} of the ${rest.length} members that stay are healthy, and ${quorumOf(rest.length)} have to agree from then on`;
}

const maxMembers = 100;

/** Reads what etcd's gateway tells: ids are decimal texts there, and what is empty is left out. @throws SealError ERR_ETCD */
export function parseGatewayMembers(value: unknown): readonly EtcdMember[] {
	return listOf(fieldsOf(value).members ?? []).map(item => {
		const {ID, name = '', peerURLs = [], clientURLs = [], isLearner = false} = fieldsOf(item);
		if (typeof ID !== 'string' || !/^\d{1,20}$/.test(ID)) throw strange('a member has no id');
		return memberOf({id: BigInt(ID).toString(16), name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner});
	});
}

/** Reads what the agent tells. @throws SealError ERR_ETCD */
export function parseMembers(value: unknown): readonly MemberHealth[] {
	return listOf(value).map(item => {
		const {isHealthy, why, ...member} = fieldsOf(item);
		if (typeof isHealthy !== 'boolean' || (why !== undefined && !isLine(why, 1000)))
			throw strange('it does not say how a member is');
		return {...memberOf(member), isHealthy, ...(why === undefined ? {} : {why})};
	});
}

function memberOf({id, name, peerUrls, clientUrls, isLearner}: Readonly<Record<string, unknown>>): EtcdMember {
	if (typeof id !== 'string' || !/^[0-9a-f]{1,16}$/.test(id)) throw strange('a member has no id');
	if (!isLine(name, 253) || typeof isLearner !== 'boolean') throw strange(`the member ${id} has no name`);
	return {id, name, peerUrls: urlsOf(peerUrls, id), clientUrls: urlsOf(clientUrls, id), isLearner};
}

/** They are asked with the cluster's own certificate. */
function urlsOf(value: unknown, id: string): readonly string[] {
	return listOf(value).map(url => {
		if (typeof url === 'string' && /^https:\/\/[\w.:[\]-]{1,300}$/.test(url) && URL.canParse(url)) return url;
		throw strange(`the member ${id} is not at an https address`);
	});
}

function listOf(value: unknown): readonly unknown[] {
	if (Array.isArray(value) && value.length <= maxMembers) return value;
	throw strange(`there is no list of at most ${maxMembers}`);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw strange('something is no object');
}

/** It goes to a terminal. */
function isLine(value: unknown, mostChars: number): value is string {
	return typeof value === 'string' && value.length <= mostChars && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value);
}

function strange(why: string): SealError {
	return new SealError('ERR_ETCD', `What etcd tells of its members cannot be understood: ${why}`, {
		hint: 'Look at "crictl logs" of etcd on the master.',
	});
}
