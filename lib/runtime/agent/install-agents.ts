import {type EachHostOptions, eachHost, type HostOutcome} from '../host/each.js';
import type {HostTarget} from '../host/target.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {type AgentInstallerOptions, createAgentInstaller} from './bootstrap.js';
import type {Installed} from './install/install.js';

/**
 * Installs the agent on hosts, which pass it on to each other; see `createAgentInstaller`. The failure of one host is its outcome. Transports
 * are closed when nobody needs their hosts any more.
 */
export async function installAgents(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	options: AgentInstallerOptions & EachHostOptions,
): Promise<readonly HostOutcome<Installed>[]> {
	const installer = createAgentInstaller(options);
	const transports = new Set<Transport>();
	const install = async ({target}: {readonly target: HostTarget}): Promise<Installed> => {
		const transport = open(target);
		transports.add(transport);
		try {
			return await installer.install(transport);
		} finally {
			if (!installer.keeps(transport)) {
				transports.delete(transport);
				await transport.close();
			}
		}
	};
	try {
		const targets = hosts.map(target => ({host: target.name, target}));
		return await eachHost(targets, install, options);
	} finally {
		await installer.close();
		await Promise.allSettled([...transports].map(transport => transport.close()));
	}
}
