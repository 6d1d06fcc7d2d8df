import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {type EtcdGateway, openGateway} from '../../control/etcd/gateway.js';
import {type EtcdMember, type MemberHealth, removalProblem} from '../../control/etcd/members.js';
import {fieldsOf, textIn, wrongParam} from '../params.js';
import type {AgentVerb} from '../protocol.js';

export interface EtcdParams {
	readonly do: 'list' | 'status' | 'remove' | 'promote';
	/** The member of this host, on loopback: `https://127.0.0.1:2379`. */
	readonly endpoint: string;
	readonly folder: string;
	/** Of the member that is meant, to remove and to promote. */
	readonly peerUrl?: string | undefined;
}

export type EtcdResult =
	/** `list` asks nobody how they are: all count as healthy that have started. */
	{readonly members: readonly MemberHealth[]} | {readonly isChanged: boolean};

/** Asks the member of etcd on this host, and changes who is a member. */
export const etcd: AgentVerb<EtcdParams, EtcdResult> = {
	name: 'etcd',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		const what = fields.do;
		if (what !== 'list' && what !== 'status' && what !== 'remove' && what !== 'promote')
			throw wrongParam('do', 'list, status, remove or promote');
		const endpoint = textIn(fields, 'endpoint', 200);
		if (!/^https:\/\/(?:127\.0\.0\.1|\[::1\]):\d{1,5}$/.test(endpoint)) throw wrongParam('endpoint', 'on loopback');
		const folder = textIn(fields, 'folder', 4096);
		const isChange = what === 'remove' || what === 'promote';
		return {do: what, endpoint, folder, ...(isChange ? {peerUrl: textIn(fields, 'peerUrl', 300)} : {})};
	},
	async run({do: what, endpoint, folder, peerUrl}, {signal}) {
		const gateway = await openGateway(endpoint, folder);
		try {
			switch (what) {
				case 'list': {
					const members = await gateway.members({signal});
					return {members: members.map(member => ({...member, isHealthy: member.name !== ''}))};
				}
				case 'status':
					return {members: await gateway.health({signal})};
				case 'remove':
					return {isChanged: await remove(gateway, peerUrl ?? '', {signal})};
				case 'promote':
					return {isChanged: await promote(gateway, peerUrl ?? '', {signal})};
			}
		} finally {
			await gateway[Symbol.asyncDispose]();
		}
	},
};

/** False when there is no such member. Whether the others stay a majority is asked now, and not when the plan was made. */
async function remove(gateway: EtcdGateway, peerUrl: string, options: Abortable): Promise<boolean> {
	const members = await gateway.health(options);
	const member = at(members, peerUrl);
	if (member === undefined) return false;
	const why = removalProblem(members, member.id);
	if (why !== undefined) {
		throw new SealError('ERR_ETCD_QUORUM', `The member ${peerUrl} cannot be taken out of etcd: ${why}`, {
			hint: 'Start the members that are off, and try again; if they are lost, start etcd of one master with --force-new-cluster and join the others anew.',
			details: {members: members.map(({peerUrls, isHealthy}) => ({peerUrls, isHealthy}))},
		});
	}
	await gateway.remove(member.id, options);
	return true;
}

/** False when it has its voice already. */
async function promote(gateway: EtcdGateway, peerUrl: string, options: Abortable): Promise<boolean> {
	const member = at(await gateway.members(options), peerUrl);
	if (member?.isLearner !== true) return false;
	await gateway.promote(member.id, options);
	return true;
}

function at<M extends EtcdMember>(members: readonly M[], peerUrl: string): M | undefined {
	return members.find(({peerUrls}) => peerUrls.includes(peerUrl));
}
