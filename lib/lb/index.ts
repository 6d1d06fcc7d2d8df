export {addressBytes, addressText, endpointText} from './address.js';
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
export {type Balancer, type Counters, type RunOptions, runBalancer} from './run.js';
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
