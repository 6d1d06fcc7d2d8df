import type {SealEvent} from '../../lib/core/events.js';
import type {AgentConnection} from '../../lib/runtime/agent/protocol.js';
import {readNetwork} from '../../lib/runtime/kubeadm/network.js';
import {parseKubernetesVersion} from '../../lib/runtime/kubeadm/version.js';
import type {ActionInputs, ActionKind, ClusterAction} from '../../lib/runtime/lifecycle/actions.js';
import type {ClusterRun, RunHost} from '../../lib/runtime/lifecycle/run.js';
import type {ClusterSetting, SettingHost} from '../../lib/runtime/lifecycle/setting.js';
import type {HostKubernetes, HostState} from '../../lib/runtime/state/host-state.js';
import {createFakeHost, type FakeHost} from '../../lib/runtime/transport/fake/host.js';
import {exampleSetting, settingHost} from './cluster-state.js';

/** A setting of so many masters and nodes: m1, m2, ..., w1, ... */
export function settingOf(
	masters: number,
	nodes: number,
	more: Partial<Omit<ClusterSetting, 'version'>> & {readonly version?: string} = {},
): ClusterSetting {
	const {version = 'v1.20.2', ...rest} = more;
	const host = (name: string, address: string, isMaster: boolean): SettingHost => ({
		...settingHost(name, isMaster, address),
		nodeName: name,
	});
	const hosts = [
		...Array.from({length: masters}, (_, index) => host(`m${index + 1}`, `10.0.0.${index + 1}`, true)),
		...Array.from({length: nodes}, (_, index) => host(`w${index + 1}`, `10.0.0.${index + 101}`, false)),
	];
	const own = {name: 'test', version: parseKubernetesVersion(version), network: readNetwork([]), images: []};
	return exampleSetting(hosts, {...own, ...rest});
}

export interface PlayedRun {
	readonly run: ClusterRun;
	readonly hosts: ReadonlyMap<string, FakeHost>;
	readonly live: string[];
	readonly events: SealEvent[];
	readonly options: {readonly onEvent: (event: SealEvent) => void; readonly patience: typeof quick};
}

/** Nobody waits for what is played. */
export const quick = {pollMs: 1, settleMs: 20, memberMs: 60, apiMs: 20, nodesMs: 20};

/** A run over fake hosts. `agent` plays the agent of a host. */
export function playRun(
	setting: ClusterSetting,
	given: {
		readonly live?: readonly string[];
		readonly hosts?: ReadonlyMap<string, FakeHost>;
		readonly states?: Readonly<Record<string, Partial<HostKubernetes>>>;
		readonly agent?: (host: string, verb: string, params: unknown) => unknown;
	} = {},
): PlayedRun {
	const hosts = given.hosts ?? new Map(setting.hosts.map(({name}) => [name, createFakeHost({name})]));
	const live = [...(given.live ?? [])];
	const events: SealEvent[] = [];
	const runHosts = new Map(
		setting.hosts.map((host): [string, RunHost] => {
			const {name} = host;
			const agent = agentOf(name, given.agent);
			return [
				name,
				{
					...host,
					target: {name, address: host.addresses[0] ?? '', roles: host.roles, login: {}},
					transport: hosts.get(name)!.transport,
					state: stateOf(name, given.states?.[name]),
					agent: async () => agent,
				},
			];
		}),
	);
	const run: ClusterRun = {
		setting,
		hosts: runHosts,
		root: '/var/lib/sealimage',
		liveMasters: () => live.flatMap(name => runHosts.get(name) ?? []),
		noteLive: name => void live.push(name),
		treeOf: () => '/tree',
		noteDone: async () => undefined,
	};
	return {run, hosts, live, events, options: {onEvent: event => void events.push(event), patience: quick}};
}

function agentOf(host: string, play: (host: string, verb: string, params: unknown) => unknown = () => null) {
	const close = async (): Promise<void> => undefined;
	const agent: AgentConnection = {
		host,
		identity: {protocol: 1, version: '0.0.0', platform: 'linux/amd64'},
		call: async (verb, params) => await play(host, verb, params),
		close,
		[Symbol.asyncDispose]: close,
	};
	return agent;
}

function stateOf(name: string, kubernetes: Partial<HostKubernetes> | undefined): HostState | undefined {
	if (kubernetes === undefined) return undefined;
	return {
		facts: {identity: {hostname: name, hostsEntries: [], machineId: `machine-of-${name}`}} as never,
		journal: {},
		kubernetes: {
			kubelet: 'active',
			containerd: 'active',
			hasAdminConf: true,
			hasKubeletConf: true,
			hasKubeletConfig: true,
			manifests: [],
			hasEtcdData: false,
			...kubernetes,
		},
	};
}

/** An action as plans have it. */
export function actionOf<K extends ActionKind>(
	kind: K,
	input: ActionInputs[K],
	host?: string,
): ClusterAction<K> & {readonly input: ActionInputs[K]} {
	return {id: `${kind}/${host ?? 'cluster'}`, kind, host, phase: kind, title: kind, needs: [], input} as never;
}

/** What the scripts of ours are called, as `sh -c SCRIPT NAME` has it; else the program. */
export function scriptOf(argv: readonly string[]): string {
	return argv[0] === 'sh' ? (argv[3] ?? '') : (argv[0] ?? '');
}
