import type {OpenTransport} from '../../lib/runtime/transport/transport.js';
import {hostRoot, localAgents} from './local-agents.js';
import {programTransport} from './program-transport.js';

/**
 * Hosts that are folders below `dir`, as `localAgents`, that a script can look at too: what it reads below /var/lib/sealimage is in the
 * folder of the host, and there is nothing of Kubernetes.
 */
export function clusterHosts(dir: string): OpenTransport {
	const agents = localAgents(dir);
	return target => {
		const agent = agents(target);
		const shell = programTransport(['/bin/sh'], target.name, {withArguments: true});
		return {
			...agent,
			spawn: (argv, options) => (argv[0] === 'sh' ? shell.spawn(argv.slice(1), options) : agent.spawn(argv, options)),
		};
	};
}

export {hostRoot};
