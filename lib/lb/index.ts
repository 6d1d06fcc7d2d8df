export {addressBytes, addressText, endpointText} from '../core/ip-address.js';
export {type BalancerConfig, configFile as balancerConfigFile, readConfig as readBalancerConfig} from './config.js';
export {type BalancerNode, balanceOnce, type DaemonOptions, runDaemon} from './daemon.js';
export {type ApiAccess, watchEndpoints} from './endpoints.js';
export {createProber, type Prober} from './health.js';
export {openIpvs} from './ipvs/kernel.js';
export type {
	Destination,
	DestinationKey,
	DestinationState,
	IpvsTable,
	ServiceKey,
	ServiceState,
	Traffic,
	VirtualService,
} from './ipvs/table.js';
export {apiAccess} from './kubeconfig.js';
export {type NodeReport, parseNodeReport, reportNode} from './node-report.js';
export {
	type BalancerState,
	type KernelView,
	type MemberState,
	type Operation,
	type Phase,
	type PhaseChange,
	type ProbeResult,
	type Reconciled,
	reconcile,
} from './reconcile.js';
export {removeNode} from './remove.js';
export {type BalancerReport, formatMetrics, type MemberReport, reportBalancer} from './report.js';
export type {Counters} from './rounds.js';
export {type Balancer, type RunOptions, runBalancer} from './run.js';
export {
	type BalancerSpec,
	defaults as balancerDefaults,
	type Member,
	memberKey,
	type Policy,
	type ProbeSpec,
	readSpec,
	type Scheduler,
	schedulers,
} from './spec.js';
export {type Finding, inspectNode} from './surroundings/inspect.js';
export type {SurroundingsOptions} from './surroundings/options.js';
export {type Prepared, prepareNode} from './surroundings/prepare.js';
export {restoreNode} from './surroundings/restore.js';
export {type BalancerTable, type Form, ipvsForm, openTable} from './table.js';
export {balancerUnit, type StaticPodOptions, staticPod, unitFile as balancerUnitFile} from './unit.js';
