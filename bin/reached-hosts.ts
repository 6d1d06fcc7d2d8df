import type {EachHostOptions} from '../lib/runtime/host/each.js';
import type {ReachedHost} from '../lib/runtime/mirror/install.js';
import type {Context} from './context.js';
import type {HostFlags, LoginFlags} from './hosts.js';
import {reachHosts} from './reach.js';

/** Works with hosts whose connections stay open from the first look at them to the last change. */
export async function withReachedHosts<T>(
	flags: Partial<HostFlags> & LoginFlags,
	operands: readonly string[],
	context: Context,
	work: (hosts: readonly ReachedHost[], options: EachHostOptions) => Promise<T>,
): Promise<T> {
	const {hosts, open, options} = await reachHosts(flags, operands, context);
	const reached = hosts.map(target => ({target, transport: open(target)}));
	try {
		return await work(reached, options);
	} finally {
		await Promise.all(reached.map(({transport}) => transport.close()));
	}
}
