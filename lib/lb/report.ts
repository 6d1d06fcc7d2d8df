import {endpointText} from '../core/ip-address.js';
import type {Phase} from './reconcile.js';
import type {Counters} from './rounds.js';
import type {Balancer} from './run.js';
import {type BalancerSpec, memberKey} from './spec.js';
import type {BalancerTable, Form} from './table.js';

/** How a balancer and its members stand: what `lb status` shows, and metrics are made from. */
export interface BalancerReport {
	readonly service: string;
	readonly form: Form;
	readonly scheduler: string;
	/** False when the kernel has no service: somebody took it out, or nothing was set up. */
	readonly inKernel: boolean;
	readonly members: readonly MemberReport[];
	/** Undefined when no balancer runs and only the kernel was asked. */
	readonly counters?: Readonly<Counters> | undefined;
	/** What the kernel refused in the last round. */
	readonly failure?: string | undefined;
}

export interface MemberReport {
	readonly member: string;
	/** Undefined when no balancer runs. */
	readonly phase?: Phase | undefined;
	/** How long it has been in its phase. */
	readonly forMs?: number | undefined;
	readonly lastError?: string | undefined;
	/** How often it died since the balancer runs. Undefined when none does. */
	readonly failovers?: number | undefined;
	/** Undefined when it is not in the kernel's table. */
	readonly weight?: number | undefined;
	readonly activeConnections: number;
	readonly inactiveConnections: number;
	/** Since it came into the table. */
	readonly connections: number;
	readonly bytesIn: number;
	readonly bytesOut: number;
}

/** Looks at the kernel, and at the balancer where one runs. @throws what reading the table throws */
export function reportBalancer(
	spec: BalancerSpec,
	table: BalancerTable,
	balancer?: Balancer,
	nowMs: number = performance.now(),
): BalancerReport {
	const {service, destinations} = table.read();
	const found = new Map(destinations.map(destination => [memberKey(destination), destination]));
	const states = new Map((balancer?.members() ?? []).map(state => [memberKey(state.member), state]));
	const keys = new Set([...spec.members.map(memberKey), ...states.keys(), ...found.keys()]);
	return {
		service: endpointText(spec),
		form: table.form,
		scheduler: service?.scheduler ?? spec.scheduler,
		inKernel: service !== undefined,
		members: [...keys].sort().map(member => {
			const destination = found.get(member);
			const state = states.get(member);
			return {
				member,
				...(state === undefined
					? {}
					: {
							phase: state.phase,
							forMs: Math.round(nowMs - state.sinceMs),
							failovers: balancer?.deathsOf(state.member) ?? 0,
						}),
				...(state?.lastError === undefined || state.phase === 'healthy' ? {} : {lastError: state.lastError}),
				...(destination === undefined ? {} : {weight: destination.weight}),
				activeConnections: destination?.activeConnections ?? 0,
				inactiveConnections: destination?.inactiveConnections ?? 0,
				connections: Number(destination?.traffic.connections ?? 0n),
				bytesIn: Number(destination?.traffic.bytesIn ?? 0n),
				bytesOut: Number(destination?.traffic.bytesOut ?? 0n),
			};
		}),
		...(balancer === undefined ? {} : {counters: {...balancer.counters}}),
		...(balancer?.failure === undefined ? {} : {failure: (balancer.failure as Error).message}),
	};
}

/** Any user of a machine may have taken the port before its balancer did, and another machine may say anything. */
export function isBalancerReport(value: unknown): value is BalancerReport {
	const {service, form, scheduler, inKernel, members, failure} = (value ?? {}) as Partial<
		Record<keyof BalancerReport, unknown>
	>;
	const texts = [service, form, scheduler, failure ?? ''];
	if (!texts.every(text => typeof text === 'string') || typeof inKernel !== 'boolean' || !Array.isArray(members))
		return false;
	return members.every((each: Partial<Record<keyof MemberReport, unknown>> | null) => {
		const {member, phase = '', lastError = '', forMs = 0, weight = 0, failovers = 0} = each ?? {};
		const numbers = [forMs, weight, failovers, each?.activeConnections, each?.inactiveConnections, each?.connections];
		return [member, phase, lastError].every(text => typeof text === 'string') && numbers.every(Number.isFinite);
	});
}

const phases: readonly Phase[] = ['joining', 'healthy', 'suspect', 'dead', 'draining'];

/** The report as Prometheus reads it (text exposition format 0.0.4). */
export function formatMetrics(report: BalancerReport): string {
	const families = [...tableFamilies(report), ...counterFamilies(report)];
	const lines = families.flatMap(([name, type, help, samples]) => [
		`# HELP ${name} ${help}`,
		`# TYPE ${name} ${type}`,
		...samples.map(([labels, value]) => `${name}{${labels}} ${value}`),
	]);
	return `${lines.join('\n')}\n`;
}

type Sample = readonly [labels: string, value: number];
type Family = readonly [name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]];

/** What the kernel's table tells. */
function tableFamilies(report: BalancerReport): readonly Family[] {
	const {members, inKernel, failure} = report;
	const own = ownLabel(report);
	const isUp = inKernel && failure === undefined;
	const byPhase = members.flatMap(({member, phase}) =>
		phases.map((name): Sample => [`${own},member="${member}",phase="${name}"`, name === phase ? 1 : 0]),
	);
	const each = (value: (member: MemberReport) => number): readonly Sample[] => samplesOf(report, value);
	const weights = each(({weight}) => weight ?? -1);
	const active = each(member => member.activeConnections);
	const connections = each(member => member.connections);
	const received = each(member => member.bytesIn);
	const sent = each(member => member.bytesOut);
	return [
		['sealimage_lb_up', 'gauge', 'Whether the kernel has the service and takes changes.', [[own, isUp ? 1 : 0]]],
		['sealimage_lb_member_phase', 'gauge', '1 for the phase that a member is in.', byPhase],
		['sealimage_lb_member_weight', 'gauge', 'The weight in the kernel; -1 when it is not there.', weights],
		['sealimage_lb_member_active_connections', 'gauge', 'Established connections.', active],
		[
			'sealimage_lb_member_connections_total',
			'counter',
			'Connections since the member came into the table.',
			connections,
		],
		['sealimage_lb_member_received_bytes_total', 'counter', 'Bytes sent to the member.', received],
		['sealimage_lb_member_sent_bytes_total', 'counter', 'Bytes that the member sent.', sent],
	];
}

/** What a running balancer has counted. */
function counterFamilies(report: BalancerReport): readonly Family[] {
	const {counters} = report;
	if (counters === undefined) return [];
	const own = ownLabel(report);
	const {probes, failedProbes, deaths, repairs} = counters;
	const failovers = samplesOf(report, member => member.failovers ?? 0);
	return [
		['sealimage_lb_member_deaths_total', 'counter', 'How often a member died since the balancer runs.', failovers],
		['sealimage_lb_probes_total', 'counter', 'Probes of members.', [[own, probes]]],
		['sealimage_lb_probes_failed_total', 'counter', 'Probes that failed.', [[own, failedProbes]]],
		['sealimage_lb_deaths_total', 'counter', 'Deaths of members.', [[own, deaths]]],
		['sealimage_lb_repairs_total', 'counter', 'Rounds that mended what somebody else had changed.', [[own, repairs]]],
	];
}

function ownLabel({service}: BalancerReport): string {
	return `service="${service}"`;
}

function samplesOf(report: BalancerReport, value: (member: MemberReport) => number): readonly Sample[] {
	return report.members.map(member => [`${ownLabel(report)},member="${member.member}"`, value(member)]);
}
