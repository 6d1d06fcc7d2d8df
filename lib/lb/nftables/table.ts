import {SealError} from '../../core/errors.js';
import {endpointText} from '../../core/ip-address.js';
import type {DestinationState, Traffic} from '../ipvs/table.js';
import {KernelError} from '../netlink/request.js';
import type {Operation} from '../reconcile.js';
import {type BalancerSpec, type Member, memberKey} from '../spec.js';
import type {BalancerTable} from '../table.js';
import {type Netfilter, netfilterFamily, openNetfilter} from './connection.js';
import {connectionsTo, endConnection, type Tracked} from './conntrack.js';
import {dropShares, readShares, shareOut} from './members.js';

/** Nothing is counted here. */
const noTraffic: Traffic = {connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n};

/**
 * The balancer on nftables, for kernels without IPVS: the same policy over address translation. Connections are shared out in turn, whatever scheduler the spec
 * names. Those of a member that is deleted are forgotten by conntrack, so that their next packet ends them instead of getting lost.
 * @throws SealError ERR_NETLINK
 */
export async function openNftablesForm(
	spec: Pick<BalancerSpec, 'address' | 'port' | 'scheduler'>,
	given?: {readonly nftables: Netfilter; readonly conntrack: Netfilter},
): Promise<BalancerTable> {
	const family = netfilterFamily(spec.address);
	const nftables = given?.nftables ?? (await openNetfilter('nftables', family));
	const conntrack = given?.conntrack ?? (await openNetfilter('conntrack', family));
	const shares = (): Map<string, Share> | undefined => {
		const found = readShares(nftables);
		if (found === undefined) return undefined;
		const all = [
			...found.active.map(member => ({member, weight: 1})),
			...found.draining.map(member => ({member, weight: 0})),
		];
		return new Map(all.map(share => [memberKey(share.member), share]));
	};
	const end = (isMeant: (tracked: Tracked) => boolean): void => {
		for (const tracked of connectionsTo(conntrack, spec)) if (isMeant(tracked)) endConnection(conntrack, tracked);
	};
	return {
		form: 'nftables',
		read: () =>
			translated(spec, () => {
				const found = shares();
				if (found === undefined) return {service: undefined, destinations: []};
				const all = [...found.values()];
				// Only what drains is waited for; telling all connections costs more than most rounds have to.
				const tracked = all.some(({weight}) => weight === 0) ? connectionsTo(conntrack, spec) : [];
				const {address, port, scheduler} = spec;
				return {
					service: {protocol: 'tcp', address, port, scheduler, traffic: noTraffic},
					destinations: destinationStates(all, tracked),
				};
			}),
		apply: operations =>
			translated(spec, () => {
				if (operations.length === 0) return;
				const wanted = afterwards(shares() ?? new Map<string, Share>(), operations);
				const members = [...wanted.values()];
				const active = members.filter(({weight}) => weight > 0).map(({member}) => member);
				const draining = members.filter(({weight}) => weight === 0).map(({member}) => member);
				nftables.commit(shareOut(spec, {active, draining}));
				if (operations.some(operation => operation.do === 'delete-member'))
					end(({member}) => !wanted.has(memberKey(member)));
			}),
		remove: () =>
			translated(spec, () => {
				if (readShares(nftables) === undefined) return false;
				nftables.commit(dropShares());
				end(() => true);
				return true;
			}),
		close() {
			nftables.close();
			conntrack.close();
		},
	};
}

interface Share {
	readonly member: Member;
	readonly weight: number;
}

/** What the operations make of the table. */
function afterwards(shares: ReadonlyMap<string, Share>, operations: readonly Operation[]): ReadonlyMap<string, Share> {
	const wanted = new Map(shares);
	for (const operation of operations) {
		if (operation.do === 'delete-member') wanted.delete(memberKey(operation.member));
		else if (operation.do === 'add-member' || operation.do === 'edit-member') {
			const {address, port, weight} = operation.destination;
			wanted.set(memberKey({address, port}), {member: {address, port}, weight});
		}
	}
	return wanted;
}

function destinationStates(shares: readonly Share[], tracked: readonly Tracked[]): readonly DestinationState[] {
	const counts = new Map<string, {active: number; inactive: number}>();
	for (const {member, isActive} of tracked) {
		const key = memberKey(member);
		const {active, inactive} = counts.get(key) ?? {active: 0, inactive: 0};
		counts.set(key, isActive ? {active: active + 1, inactive} : {active, inactive: inactive + 1});
	}
	return shares.map(({member, weight}) => {
		const {active, inactive} = counts.get(memberKey(member)) ?? {active: 0, inactive: 0};
		return {
			...member,
			...{
				forwarding: 'masquerade',
				weight,
				activeConnections: active,
				inactiveConnections: inactive,
				traffic: noTraffic,
			},
		};
	});
}

function translated<T>(spec: Member, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof KernelError)) throw error;
		const isDenied = error.errno === 'EPERM' || error.errno === 'EACCES';
		throw new SealError(
			isDenied ? 'ERR_LB_DENIED' : 'ERR_NFTABLES',
			`Cannot balance ${endpointText(spec)} by nftables: ${isDenied ? 'it is not allowed' : `the kernel says ${error.errno}`}`,
			{
				hint: isDenied
					? 'Run as root, or with CAP_NET_ADMIN.'
					: 'Use a kernel with nf_tables, nft_nat and nft_numgen, or with the module ip_vs.',
				details: {errno: error.errno},
				cause: error,
			},
		);
	}
}
