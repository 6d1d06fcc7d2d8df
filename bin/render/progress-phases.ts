import type {SealEvent} from '../../lib/core/events.js';
import {formatElapsed} from './progress-line.js';
import type {Outcome, ProgressState, Row} from './progress-state.js';
import {count} from './units.js';

/** How far one phase of a plan is: one row for all its hosts. */
export interface Phase {
	readonly phase: string;
	readonly actionCount: number;
	readonly hostCount: number;
	readonly running: Map<string, RunningAction>;
	doneCount: number;
	failedCount: number;
	skippedCount: number;
	/** The action that took longest of those that are done. */
	slowest: {readonly host: string; readonly elapsedMs: number} | undefined;
}

interface RunningAction {
	readonly title: string;
	readonly host: string;
	/** What it printed last. */
	tail?: string | undefined;
}

type PlanEvent = Extract<
	SealEvent,
	{type: 'plan.started' | 'action.started' | 'action.finished' | 'action.failed' | 'action.skipped'}
>;

/** The event, if it is one of a plan that said beforehand what its phases are; other actions are rows of their own. */
export function planEvent(state: ProgressState, event: SealEvent): PlanEvent | undefined {
	switch (event.type) {
		case 'plan.started':
			return event;
		case 'action.started':
		case 'action.skipped':
			return state.phases.has(event.phase) ? event : undefined;
		case 'action.finished':
		case 'action.failed':
			return phaseOf(state, event.id) === undefined ? undefined : event;
		default:
			return undefined;
	}
}

/** Applies an event of a plan; returns what is to be said for good. */
export function applyPlanEvent(state: ProgressState, event: PlanEvent, nowMs: number): Outcome | undefined {
	if (event.type === 'plan.started') {
		state.phases.clear();
		for (const {phase, actions, hosts} of event.phases) state.phases.set(phase, newPhase(phase, actions, hosts));
		return undefined;
	}
	if (event.type === 'action.started') {
		const phase = state.phases.get(event.phase);
		phase?.running.set(event.id, {title: event.title, host: event.host ?? ''});
		if (phase !== undefined) showPhase(state, phase, nowMs);
		return undefined;
	}
	const phase = event.type === 'action.skipped' ? state.phases.get(event.phase) : phaseOf(state, event.id);
	if (phase === undefined) return undefined;
	const action = phase.running.get(event.id);
	phase.running.delete(event.id);
	if (event.type === 'action.skipped') phase.skippedCount++;
	else if (event.type === 'action.failed') phase.failedCount++;
	else {
		phase.doneCount++;
		const {elapsedMs} = event;
		if (elapsedMs > (phase.slowest?.elapsedMs ?? -1)) phase.slowest = {host: action?.host ?? '', elapsedMs};
	}
	const end = endOf(state, phase, nowMs);
	if (event.type !== 'action.failed') return end;
	state.warningCount++;
	const where = action?.host === undefined || action.host === '' ? '' : `[${action.host}] `;
	return {kind: 'warning', title: `${where}${action?.title ?? event.id}: ${event.message}`, scope: ''};
}

/** What an action prints is the last line under the row of its phase; false when it is of no action of a plan. */
export function applyOutput(
	state: ProgressState,
	{id, text}: Extract<SealEvent, {type: 'command.output'}>,
	nowMs: number,
): boolean {
	const tail = text.trimEnd().split('\n').at(-1)?.split('\r').at(-1);
	return tail !== undefined && setTail(state, id, tail, nowMs);
}

/** How far an action is that waits for hosts; false when it is of no action of a plan. */
export function applyHosts(
	state: ProgressState,
	{id, doneHosts, totalHosts, slowest}: Extract<SealEvent, {type: 'hosts.progress'}>,
	nowMs: number,
): boolean {
	const waiting = slowest.length === 0 ? '' : `, waiting for ${slowest.join(', ')}`;
	return setTail(state, id, `${doneHosts} of ${count(totalHosts, 'host')}${waiting}`, nowMs);
}

/** How far an action is that waits for what applications brought. */
export function applyWorkloads(
	state: ProgressState,
	{id, ready, total, waiting}: Extract<SealEvent, {type: 'workloads.progress'}>,
	nowMs: number,
): void {
	const open = waiting.length === 0 ? '' : `, waiting for ${waiting.join('; ')}`;
	setTail(state, id, `${ready} of ${count(total, 'workload')} ready${open}`, nowMs);
}

/** Lines of images are for people to read, and stay; what kubeadm and systemctl say is in the log of the run. */
export function linesOfImage({id, text}: Extract<SealEvent, {type: 'command.output'}>): Outcome | undefined {
	const [, name] = /^(?:application|hook)\/(.+?)(?:\/line-\d+)?$/s.exec(id) ?? [];
	if (name === undefined || text.trim() === '') return undefined;
	return {kind: 'output', title: text.trimEnd(), scope: name.replace(/docker\.io\/(?:library\/)?/, '')};
}

function setTail(state: ProgressState, id: string, tail: string, nowMs: number): boolean {
	const phase = phaseOf(state, id);
	const action = phase?.running.get(id);
	if (phase === undefined || action === undefined) return false;
	if (tail.trim() !== '') action.tail = tail;
	showPhase(state, phase, nowMs);
	return true;
}

function newPhase(phase: string, actionCount: number, hostCount: number): Phase {
	const counts = {doneCount: 0, failedCount: 0, skippedCount: 0, slowest: undefined};
	return {phase, actionCount, hostCount, running: new Map(), ...counts};
}

function phaseOf(state: ProgressState, id: string): Phase | undefined {
	for (const phase of state.phases.values()) if (phase.running.has(id)) return phase;
	return undefined;
}

function showPhase(state: ProgressState, phase: Phase, nowMs: number): void {
	const before = state.rows.get(phase.phase);
	const [first] = phase.running.values();
	const waiting = [...new Set([...phase.running.values()].slice(0, 3).map(({host}) => host))].filter(
		host => host !== '',
	);
	const {doneCount, failedCount, skippedCount, actionCount, hostCount} = phase;
	const row: Row = {
		...(before ?? {id: phase.phase, title: phase.phase, scope: '', startedMs: nowMs, doneBytes: 0}),
		isStep: true,
		hosts: {
			totalHosts: actionCount,
			doneHosts: doneCount + failedCount + skippedCount,
			failedHosts: failedCount,
			slowest: waiting,
			noun: actionCount === hostCount ? 'hosts' : 'steps',
		},
		tail: first === undefined ? undefined : lineOf(first),
	};
	state.rows.set(phase.phase, row);
}

function lineOf({host, title, tail}: RunningAction): string {
	return `${host === '' ? '' : `[${host}] `}${tail ?? title}`;
}

/** The row goes when nothing of the phase runs or can begin any more. */
function endOf(state: ProgressState, phase: Phase, nowMs: number): Outcome | undefined {
	const {doneCount, failedCount, skippedCount, actionCount, hostCount, slowest} = phase;
	if (doneCount + failedCount + skippedCount < actionCount) {
		if (state.rows.has(phase.phase)) showPhase(state, phase, nowMs);
		return undefined;
	}
	const row = state.rows.get(phase.phase);
	state.rows.delete(phase.phase);
	if (failedCount + skippedCount > 0 || row === undefined) return undefined;
	state.finishedCount++;
	const isSlow = hostCount > 1 && slowest !== undefined && slowest.host !== '' && slowest.elapsedMs >= 1000;
	const last = isSlow ? `, the slowest ${slowest.host} in ${formatElapsed(slowest.elapsedMs)}` : '';
	return {
		kind: 'finished',
		title: `${phase.phase}${hostCount > 1 ? `: ${count(hostCount, 'host')}` : ''}${last}`,
		scope: '',
		...(row.totalBytes === undefined ? {} : {sizeBytes: row.doneBytes}),
		elapsedMs: nowMs - row.startedMs,
	};
}
