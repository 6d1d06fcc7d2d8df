import {join} from 'node:path';

/** Where the agent keeps everything on hosts, when nothing else is said. */
export const agentRoot = '/var/lib/sealimage';

/** Where a host keeps what it knows of its cluster, below the folder of the agent. Only root may enter. */
export interface ClusterPlaces {
	readonly folder: string;
	/** `HostMember`, as JSON. */
	readonly member: string;
	/** Keys of actions that were done, one JSON document a line. */
	readonly journal: string;
	/** `ClusterState`, on masters. */
	readonly state: string;
	readonly lock: string;
}

export function clusterPlaces(root: string): ClusterPlaces {
	const folder = join(root, 'cluster');
	const place = (name: string): string => join(folder, name);
	return {
		folder,
		member: place('member.json'),
		journal: place('journal.jsonl'),
		state: place('state.json'),
		lock: place('lock'),
	};
}
