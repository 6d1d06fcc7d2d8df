import {isIP} from 'node:net';
import type {Performer} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {etcdOf} from './describe.js';
import {peerUrlOf, removeMember} from './etcd/ask.js';
import {say} from './say.js';

/** Takes the member of a master out of etcd, whether that master lives or not. Others are asked, and they must be a majority without it. */
export const leaveEtcd: Performer<'leave-etcd'> = async (run, action, options) => {
	if (etcdOf(run.setting) === 'external') return;
	const {node, peerAddress} = action.input;
	const peerUrl = isIP(peerAddress) === 0 ? peerAddress : peerUrlOf({addresses: [peerAddress]});
	const wasMember = await onLiveMaster(run, {...options, but: [node]}, master =>
		removeMember(master, peerUrl, options),
	);
	say(options, action.id, [
		wasMember ? `${peerUrl} is no member of etcd any more` : `${peerUrl} was no member of etcd`,
	]);
};
