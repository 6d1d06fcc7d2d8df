import type {ClusterAction} from '../../lib/runtime/lifecycle/actions.js';
import type {Proposal} from '../../lib/runtime/lifecycle/operated.js';
import type {ClusterSetting} from '../../lib/runtime/lifecycle/setting.js';
import {renderFindings} from './host-findings.js';
import {hostsText} from './hosts-text.js';
import type {Style} from './style.js';
import {renderTable} from './table.js';
import {printable} from './text.js';
import {count, formatBytes} from './units.js';

export interface ShowPlanOptions {
	readonly style: Style;
	readonly width: number;
	/** Every action by its title, not only phases. */
	readonly isWhole: boolean;
}

/** What would be done to a cluster: what speaks against it, its phases with hosts and bytes, and what is lost by it. */
export function renderProposal(proposal: Proposal, {style, width, isWhole}: ShowPlanOptions): string {
	const {plan, setting, findings} = proposal;
	return [
		...(findings.length === 0 ? [] : [renderFindings(findings, setting.hosts.length, style, Math.min(width, 100))]),
		`${style.bold(`${plan.verb} ${printable(plan.cluster)}`)}: ${describe(setting)}`,
		isWhole ? actionTable(plan.actions, style) : phaseTable(plan.actions, style),
		...losses(plan.actions, style),
		style.dim(`plan ${plan.digest}`),
	]
		.map(part => part.trimEnd())
		.filter(part => part !== '')
		.join('\n');
}

/** "Kubernetes v1.20.2 with 3 masters and 1 node". */
export function describe({version, hosts}: ClusterSetting): string {
	const masters = hosts.filter(({isMaster}) => isMaster).length;
	const nodes = hosts.length - masters;
	return `Kubernetes ${version.text} with ${count(masters, 'master')}${nodes === 0 ? '' : ` and ${count(nodes, 'node')}`}`;
}

/** The phases of a plan in the order of their first actions. */
export function phasesOf(actions: readonly ClusterAction[]): ReadonlyMap<string, readonly ClusterAction[]> {
	const phases = new Map<string, ClusterAction[]>();
	for (const action of actions) {
		const phase = phases.get(action.phase);
		if (phase === undefined) phases.set(action.phase, [action]);
		else phase.push(action);
	}
	return phases;
}

function phaseTable(actions: readonly ClusterAction[], style: Style): string {
	const rows = [...phasesOf(actions)].map(([phase, own]) => {
		const hosts = [...new Set(own.flatMap(({host}) => host ?? []))];
		const bytes = own.reduce((sum, action) => sum + (action.bytes ?? 0), 0);
		const isSimple = own.length === Math.max(1, hosts.length);
		return [
			phase,
			hosts.length === 0 ? 'the cluster' : hostsText(hosts),
			isSimple && own.length === 1 ? own[0]!.title : count(own.length, 'step'),
			bytes === 0 ? '' : formatBytes(bytes),
			own.some(({destroys}) => destroys !== undefined) ? 'yes' : '',
		];
	});
	return renderTable(columns, rows, style);
}

const columns = [
	{title: 'PHASE'},
	{title: 'WHERE'},
	{title: 'WHAT'},
	{title: 'TO MOVE', align: 'right'},
	{title: 'LOSES DATA'},
] as const;

function actionTable(actions: readonly ClusterAction[], style: Style): string {
	const rows = actions.map(({phase, host = 'the cluster', title, bytes, destroys}) => [
		phase,
		host,
		title,
		bytes === undefined ? '' : formatBytes(bytes),
		destroys === undefined ? '' : 'yes',
	]);
	return renderTable(columns, rows, style);
}

/** The same loss on many hosts is one line. */
function losses(actions: readonly ClusterAction[], style: Style): string[] {
	const found = new Map<string, Set<string>>();
	for (const {destroys, host = 'the cluster'} of actions) {
		if (destroys !== undefined) found.set(destroys, (found.get(destroys) ?? new Set()).add(host));
	}
	return [...found].map(
		([what, hosts]) => `${style.red('lost:')} ${printable(what)} on ${printable(hostsText([...hosts]))}`,
	);
}
