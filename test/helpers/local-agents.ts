import {join} from 'node:path';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import type {OpenTransport, Transport} from '../../lib/runtime/transport/transport.js';
import {programTransport} from './program-transport.js';

/** Hosts that are folders: each has an agent of its own, a real process, that keeps its content below `dir`. */
export function localAgents(dir: string): OpenTransport {
	return target => agentTransport(target.name, hostRoot(dir, target.name));
}

export function hostRoot(dir: string, host: string): string {
	return join(dir, host);
}

export function localTarget(name: string, roles: readonly string[] = []): HostTarget {
	return {name, address: name, roles, login: {}};
}

function agentTransport(host: string, root: string): Transport {
	const program = [process.execPath, join(process.cwd(), '.build/bin/agent.js'), '--root', root];
	const agent = programTransport(program, host, {withArguments: true});
	const scripts = programTransport(['/bin/sh'], host, {withArguments: true});
	return {
		...agent,
		spawn(argv, options) {
			// The first word is where the agent is on a host; scripts look at the folder of that host.
			if (argv[0] !== '/bin/sh') return agent.spawn(argv.slice(1), options);
			return scripts.spawn(
				argv.slice(1).map(word => (word === '/var/lib/sealimage' ? root : word)),
				options,
			);
		},
	};
}
