import {isIPv6} from 'node:net';
import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {endpointText} from '../../../core/ip-address.js';
import type {RunHost} from '../../lifecycle/run.js';
import type {SettingHost} from '../../lifecycle/setting.js';
import {pkiFolder} from '../../pki/cluster/places.js';
import {type MemberHealth, parseMembers} from './members.js';

/** For all members to be asked, those that do not answer included. */
const answerMs = 60_000;

/** As kubeadm announces the member of a master. */
export function peerUrlOf({addresses: [address = '']}: Pick<SettingHost, 'addresses'>): string {
	return `https://${endpointText({address, port: 2380})}`;
}

/**
 * The members of etcd as a master's own member knows them, each asked how it is.
 * @throws HostError ERR_ETCD, those of the agent and the transport
 */
export async function askMembers(master: RunHost, options: Abortable = {}): Promise<readonly MemberHealth[]> {
	const result = await call(master, {do: 'status'}, options);
	return parseMembers((result as {members?: unknown} | null)?.members);
}

/**
 * Takes a member out of etcd; false when it was none.
 * @throws HostError ERR_ETCD_QUORUM when the others would be no majority then, ERR_ETCD, those of the agent and the transport
 */
export async function removeMember(master: RunHost, peerUrl: string, options: Abortable = {}): Promise<boolean> {
	const result = await call(master, {do: 'remove', peerUrl}, options);
	return (result as {isChanged?: unknown} | null)?.isChanged === true;
}

/** Gives a learner its voice; false when it has it. @throws HostError ERR_ETCD while it has not caught up, and as `removeMember` */
export async function promoteMember(master: RunHost, peerUrl: string, options: Abortable = {}): Promise<boolean> {
	const result = await call(master, {do: 'promote', peerUrl}, options);
	return (result as {isChanged?: unknown} | null)?.isChanged === true;
}

async function call(master: RunHost, params: object, {signal}: Abortable): Promise<unknown> {
	const deadline = AbortSignal.timeout(answerMs);
	// kubeadm lets a member listen on the loopback of the family that it is announced with.
	const address = isIPv6(master.addresses[0] ?? '') ? '::1' : '127.0.0.1';
	const endpoint = `https://${endpointText({address, port: 2379})}`;
	const agent = await master.agent();
	try {
		return await agent.call(
			'etcd',
			{...params, endpoint, folder: `${pkiFolder}/etcd`},
			{signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline])},
		);
	} catch (error) {
		if (!deadline.aborted || signal?.aborted === true) throw error;
		throw new SealError('ERR_ETCD', `etcd on ${master.name} does not answer within ${answerMs / 1000} s`, {
			hint: 'Look at "crictl logs" of etcd on the master.',
			details: {host: master.name},
		});
	}
}
