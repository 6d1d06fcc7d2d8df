import type {OpenTransport, Transport} from '../transport/transport.js';
import {type EachHostOptions, eachHost, type HostOutcome} from './each.js';
import type {HostTarget} from './target.js';

/**
 * Does the same work on many hosts, each over a transport of its own, which is closed after it. As `eachHost` otherwise:
 * failures are outcomes, only an abort rejects.
 */
export async function onHosts<T>(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	work: (transport: Transport, host: HostTarget) => Promise<T>,
	options: EachHostOptions = {},
): Promise<readonly HostOutcome<T>[]> {
	return await eachHost(
		hosts.map(target => ({host: target.name, target})),
		async ({target}) => {
			const transport = open(target);
			try {
				return await work(transport, target);
			} finally {
				await transport.close();
			}
		},
		options,
	);
}
