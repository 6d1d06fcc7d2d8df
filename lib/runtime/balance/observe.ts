import {HostError} from '../host/error.js';
import type {ServiceOptions} from '../service/apply.js';
import {observeService, type ServiceState} from '../service/observe.js';
import type {Transport} from '../transport/transport.js';
import {clusterAuthority, places, service} from './places.js';

/** What a host has of its load balancer. */
export interface BalanceState extends Omit<ServiceState, 'files'> {
	/** Whether the cluster's own authority is on the host. */
	readonly hasClusterAuthority: boolean;
	/** Whether there is a folder with what it learnt and changed. */
	readonly hasState: boolean;
	/** Files that are there, by path; undefined for what is no plain file, or longer than files of ours are. */
	readonly files: ReadonlyMap<string, string | undefined>;
}

/**
 * Looks at a host in one round trip.
 * @throws HostError ERR_LB_STATE, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeBalancer(transport: Transport, options: ServiceOptions = {}): Promise<BalanceState> {
	return await observeService(
		transport,
		{
			unit: service.unit,
			agent: places.agent,
			files: [places.config, places.authority, places.unit],
			// A file with a thousand members is a third of this.
			maxFileBytes: 131_072,
			more: `
[ -s "$root${clusterAuthority}" ] && echo authority
[ -e "$root${places.state}" ] && echo state`,
			read: ({files, ...state}, told) => ({
				...state,
				hasClusterAuthority: told.has('authority'),
				hasState: told.has('state'),
				files: new Map([...files].map(([path, {content}]) => [path, content])),
			}),
			strange: strangeAnswer,
		},
		options,
	);
}

export function strangeAnswer(host: string, cause: unknown): HostError {
	return new HostError(host, 'ERR_LB_STATE', 'What the host tells of its load balancer cannot be understood', {
		hint: 'Install the agent of this version of sealimage, and check that the login shell writes nothing of its own.',
		cause,
	});
}
