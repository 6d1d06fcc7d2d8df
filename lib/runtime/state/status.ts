import type {HostOutcome} from '../host/each.js';
import type {SettingHost} from '../lifecycle/setting.js';
import type {ClusterState} from './cluster-state.js';
import type {HostState} from './host-state.js';
import type {LiveCluster} from './live.js';

/** How one host of a cluster stands. */
export interface HostStatus {
	readonly host: string;
	readonly role: 'master' | 'node';
	/** Nothing else is known of a host that does not. */
	readonly answers: boolean;
	/** As systemctl says. */
	readonly kubelet?: string | undefined;
	readonly containerd?: string | undefined;
	readonly registry?: string | undefined;
	readonly balancer?: string | undefined;
	/** Of masters: the API server there answers. */
	readonly api?: boolean | undefined;
	/** Of masters, when an API server says so: its member of etcd is ready. */
	readonly etcd?: boolean | undefined;
	/** Absent when no API server could be asked, or there is no such node. */
	readonly node?: {readonly isReady: boolean; readonly isSchedulable: boolean; readonly version: string} | undefined;
	/** What is not as it should be, in words. */
	readonly problems: readonly string[];
}

export interface ApplicationStatus {
	readonly image: string;
	/** Its lines were run, and ended well. */
	readonly isDone: boolean;
}

export interface ClusterStatus {
	readonly name: string;
	readonly id: string;
	readonly version: string;
	readonly generation: number;
	readonly hosts: readonly HostStatus[];
	readonly applications: readonly ApplicationStatus[];
	/** Of the cluster as a whole. */
	readonly problems: readonly string[];
	/** What is no failure, and worth to be known. */
	readonly notes: readonly string[];
}

/** @param live undefined when no API server could be asked */
export function judgeCluster(
	{setting, generation, done}: ClusterState,
	outcomes: readonly HostOutcome<HostState>[],
	live: LiveCluster | undefined,
): ClusterStatus {
	const byHost = new Map(outcomes.map(outcome => [outcome.host, outcome]));
	const hosts = setting.hosts.map(host => {
		const outcome = byHost.get(host.name);
		return outcome?.ok === true ? judgeHost(host, setting.id, outcome.value, live) : silent(host);
	});
	const masters = hosts.filter(({role}) => role === 'master');
	const working = masters.filter(({api}) => api === true).length;
	const known = new Set(setting.hosts.map(({nodeName}) => nodeName));
	const foreign = (live?.nodes ?? []).filter(({name}) => !known.has(name)).map(({name}) => name);
	return {
		name: setting.name,
		id: setting.id,
		version: setting.version.text,
		generation,
		hosts,
		applications: setting.images
			// One without lines brings images only: there is nothing to be run.
			.filter(({type, entrypoint, command}) => type === 'application' && entrypoint.length + command.length > 0)
			.map(({name}) => ({image: name, isDone: Object.hasOwn(done, `application/${name}`)})),
		problems: [
			...(live === undefined ? ['no API server could be asked for nodes and etcd'] : []),
			...quorumProblem(masters.length, working),
		],
		notes: foreign.length === 0 ? [] : [`nodes that sealimage did not bring: ${foreign.slice(0, 10).join(', ')}`],
	};
}

/** Nothing is wrong, as far as it could be asked. */
export function isWell({hosts, applications, problems}: ClusterStatus): boolean {
	const isHostWell = (host: HostStatus): boolean => host.answers && host.problems.length === 0;
	return hosts.every(isHostWell) && applications.every(({isDone}) => isDone) && problems.length === 0;
}

function judgeHost(
	{name, nodeName, isMaster}: SettingHost,
	id: string,
	{member, kubernetes}: HostState,
	live: LiveCluster | undefined,
): HostStatus {
	const {kubelet, containerd, registry = 'unknown', balancer = 'unknown', apiReady, manifests} = kubernetes;
	const node = live?.nodes.find(candidate => candidate.name === nodeName);
	const etcd = isMaster && live !== undefined ? live.etcd.includes(nodeName) : undefined;
	const services = {kubelet, containerd, registry, balancer};
	const isOther = member !== undefined && member.id !== id;
	const problems = [
		...(member === undefined ? ['it is in no cluster'] : []),
		...(isOther ? [`it is in the cluster "${member.cluster}"`] : []),
		...Object.entries(services).flatMap(([service, state]) =>
			state === 'active' || (service === 'balancer' && isMaster && state === 'inactive')
				? []
				: [`${service} is ${state}`],
		),
		...(isMaster && !manifests.includes('kube-apiserver') ? ['it has no API server'] : []),
		...(isMaster && apiReady === false ? ['its API server does not answer'] : []),
		...(etcd === false ? ['its member of etcd is not ready'] : []),
		...(live !== undefined && node === undefined ? ['the cluster has no such node'] : []),
		...(node?.isReady === false ? [`the node is not ready${node.why === undefined ? '' : `: ${node.why}`}`] : []),
	];
	return {
		host: name,
		role: isMaster ? 'master' : 'node',
		answers: true,
		...services,
		...(isMaster ? {api: apiReady === true} : {}),
		...(etcd === undefined ? {} : {etcd}),
		...(node === undefined
			? {}
			: {node: {isReady: node.isReady, isSchedulable: node.isSchedulable, version: node.version}}),
		problems,
	};
}

function silent({name, isMaster}: SettingHost): HostStatus {
	return {host: name, role: isMaster ? 'master' : 'node', answers: false, problems: ['it does not answer']};
}

/** Etcd takes writes as long as more than half of its members work. */
function quorumProblem(masters: number, working: number): readonly string[] {
	const needed = Math.floor(masters / 2) + 1;
	if (working === masters || masters === 0) return [];
	if (working < needed) return [`${working} of ${masters} masters work, and ${needed} are needed`];
	return working === needed && masters > 1 ? ['the cluster does not survive the loss of one more master'] : [];
}
