import {isIP} from 'node:net';
import {endpointText} from '../../core/ip-address.js';
import {installBalancer} from '../balance/install.js';
import type {BalanceWish} from '../balance/plan.js';
import type {ActionInputs} from '../lifecycle/actions.js';
import type {Performer} from '../lifecycle/run.js';
import {kubeconfigPlaces} from '../pki/cluster/places.js';
import {hostOf} from './host.js';
import {say} from './say.js';

/** The load balancer of a host: its rules are there before the host joins. */
export const balancer: Performer<'balancer'> = async (run, action, options) => {
	const {transport} = hostOf(run, action);
	const {changes} = await installBalancer(transport, balanceWish(action.input), {signal: options.signal});
	say(options, action.id, changes);
};

/** Members of the file are those of the beginning; from then on each node learns them from the cluster. */
export function balanceWish({members, address, port}: ActionInputs['balancer']): BalanceWish {
	const endpoints = members.map(member => (isIP(member) === 0 ? member : endpointText({address: member, port})));
	return {config: {address, port, members: endpoints, kubeconfig: kubeconfigPlaces.balancer}};
}
