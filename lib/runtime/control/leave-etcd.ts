import {isIP} from 'node:net';
import {hasCode} from '../../core/errors.js';
import type {Performer, RunHost} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {etcdOf} from './describe.js';
import {peerUrlOf, removeMember} from './etcd/ask.js';
import {type ControlOptions, patienceOf, pause} from './patience.js';
import {say} from './say.js';

/** Takes the member of a master out of etcd, whether that master lives or not. Others are asked, and they must be a majority without it. */
export const leaveEtcd: Performer<'leave-etcd'> = async (run, action, options) => {
	if (etcdOf(run.setting) === 'external') return;
	const {node, peerAddress} = action.input;
	const peerUrl = isIP(peerAddress) === 0 ? peerAddress : peerUrlOf({addresses: [peerAddress]});
	const wasMember = await onLiveMaster(run, {...options, but: [node]}, master =>
		removeOnceSafe(master, peerUrl, options),
	);
	say(options, action.id, [
		wasMember ? `${peerUrl} is no member of etcd any more` : `${peerUrl} was no member of etcd`,
	]);
};

/** A member that did not answer once may be busy, or follow a new leader: the others get the time to settle before the refusal counts. */
async function removeOnceSafe(master: RunHost, peerUrl: string, options: ControlOptions): Promise<boolean> {
	const deadline = performance.now() + patienceOf(options).settleMs;
	for (;;) {
		try {
			return await removeMember(master, peerUrl, options);
		} catch (error) {
			if (!hasCode(error, 'ERR_ETCD_QUORUM') || performance.now() > deadline) throw error;
		}
		await pause(options);
	}
}
