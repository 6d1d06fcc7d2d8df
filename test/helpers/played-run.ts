import type {Digest} from '../../lib/oci/digest.js';
import {readNetwork} from '../../lib/runtime/kubeadm/network.js';
import {parseKubernetesVersion} from '../../lib/runtime/kubeadm/version.js';
import type {ClusterRun, RunHost} from '../../lib/runtime/lifecycle/run.js';
import type {ClusterImage, ClusterSetting} from '../../lib/runtime/lifecycle/setting.js';
import type {HostState} from '../../lib/runtime/state/host-state.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {emptyImage} from './cluster-state.js';

export interface PlayedMaster {
	readonly name: string;
	readonly transport: Transport;
	/** What was done on it. */
	readonly journal?: Readonly<Record<string, Digest>>;
	readonly isMaster?: boolean;
	readonly isLive?: boolean;
	readonly env?: Readonly<Record<string, string>>;
}

export interface PlayedRunParts {
	readonly root: string;
	readonly images: readonly ClusterImage[];
	readonly hosts: readonly PlayedMaster[];
	readonly env?: Readonly<Record<string, string>>;
	/** What was done in the cluster before. */
	readonly done?: Readonly<Record<string, Digest>>;
}

/** A run as performers see it, as far as those need it that run things on hosts. */
export function playedRun({root, images, hosts, env = {}, done}: PlayedRunParts): ClusterRun {
	const setting = {
		network: readNetwork([]),
		name: 'east',
		id: '0123456789abcdef',
		version: parseKubernetesVersion('v1.30.2'),
		images,
		env,
		configs: [],
		hosts: [],
	} as unknown as ClusterSetting;
	const runHosts = hosts.map(
		({name, transport, journal = {}, isMaster = true, env: own = {}}) =>
			({
				name,
				nodeName: name,
				isMaster,
				roles: [isMaster ? 'master' : 'node'],
				env: own,
				transport,
				state: {journal} as unknown as HostState,
			}) as unknown as RunHost,
	);
	const live = hosts.filter(({isMaster, isLive}) => isMaster !== false && isLive !== false).map(({name}) => name);
	return {
		setting,
		...(done === undefined ? {} : {known: {done}}),
		hosts: new Map(runHosts.map(host => [host.name, host])),
		root,
		liveMasters: () => runHosts.filter(({name}) => live.includes(name)),
	} as unknown as ClusterRun;
}

/** An image of a cluster of which only these parts matter. */
export function playedImage(parts: Partial<ClusterImage> = {}): ClusterImage {
	return {
		name: 'docker.io/library/redis:v7',
		digest: `sha256:${'a'.repeat(64)}`,
		type: 'application',
		platforms: {},
		...emptyImage,
		...parts,
	};
}
