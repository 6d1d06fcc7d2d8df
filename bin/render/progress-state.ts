import type {SealEvent} from '../../lib/core/events.js';
import {
	applyHosts,
	applyOutput,
	applyPlanEvent,
	applyWorkloads,
	linesOfImage,
	type Phase,
	planEvent,
} from './progress-phases.js';

/** One piece of work that is under way. */
export interface Row {
	readonly id: string;
	readonly title: string;
	/** `linux/arm64`, `linux/arm64 base`, or empty. */
	readonly scope: string;
	readonly startedMs: number;
	readonly doneBytes: number;
	readonly totalBytes?: number | undefined;
	/** The last line that a command printed. */
	readonly tail?: string | undefined;
	/** It began with `step.started`, and ends with the step. */
	readonly isStep?: boolean;
	/** How many hosts are done, and who is waited for. */
	readonly hosts?: HostCount | undefined;
	/** Content on its way, which no step accounts for. */
	readonly isBlob?: boolean;
}

export type HostCount = Pick<
	Extract<SealEvent, {type: 'hosts.progress'}>,
	'totalHosts' | 'doneHosts' | 'failedHosts' | 'slowest'
> & {
	/** What is counted, when it is not hosts. */
	readonly noun?: string | undefined;
};

/** A piece of work that is over. */
export interface Outcome {
	readonly kind: 'finished' | 'cached' | 'stored' | 'warning' | 'retry' | 'limit' | 'key' | 'output';
	readonly title: string;
	readonly scope: string;
	readonly sizeBytes?: number | undefined;
	readonly elapsedMs?: number | undefined;
	readonly hint?: string | undefined;
}

/** What a display knows: the rows under way, in order of their start, and counts of what is over. */
export interface ProgressState {
	readonly rows: Map<string, Row>;
	finishedCount: number;
	cachedCount: number;
	warningCount: number;
	/** Blobs that are over: moved, found in the target, taken from another place of the target. */
	storedCount: number;
	skippedCount: number;
	mountedCount: number;
	/** Of the plan that is being done, by name. */
	readonly phases: Map<string, Phase>;
	/** Registries whose limit was shown, with what was left then. */
	readonly limits: Map<string, number>;
}

export function createProgressState(): ProgressState {
	return {
		rows: new Map(),
		phases: new Map(),
		finishedCount: 0,
		cachedCount: 0,
		warningCount: 0,
		storedCount: 0,
		skippedCount: 0,
		mountedCount: 0,
		limits: new Map(),
	};
}

/** Applies one event; returns what is to be said about it for good, or undefined. `nowMs` is a monotonic clock. */
export function applyEvent(state: ProgressState, event: SealEvent, nowMs: number): Outcome | undefined {
	const ofPlan = planEvent(state, event);
	if (ofPlan !== undefined) return applyPlanEvent(state, ofPlan, nowMs);
	switch (event.type) {
		case 'step.started':
			state.rows.set(event.id, {
				id: event.id,
				title: event.title,
				scope: scopeOf(event),
				startedMs: nowMs,
				doneBytes: 0,
				isStep: true,
			});
			return undefined;
		case 'step.cached':
			state.rows.delete(event.id);
			state.cachedCount++;
			return {kind: 'cached', title: event.title, scope: scopeOf(event)};
		case 'step.finished':
			state.rows.delete(event.id);
			state.finishedCount++;
			return {
				kind: 'finished',
				title: event.title,
				scope: scopeOf(event),
				sizeBytes: event.sizeBytes,
				elapsedMs: event.elapsedMs,
			};
		case 'action.started': {
			const {id, title, host = ''} = event;
			state.rows.set(id, {id, title, scope: host, startedMs: nowMs, doneBytes: 0, isStep: true});
			return undefined;
		}
		case 'action.finished':
			state.finishedCount++;
			return {kind: 'finished', ...takeAction(state, event.id), elapsedMs: event.elapsedMs};
		case 'action.failed': {
			const {title, scope} = takeAction(state, event.id);
			state.warningCount++;
			return {kind: 'warning', title: `${scope === '' ? '' : `[${scope}] `}${title}: ${event.message}`, scope: ''};
		}
		// What failed before it is shown; the report at the end lists what was not begun.
		case 'plan.started':
		case 'action.skipped':
			return undefined;
		case 'blob.progress': {
			const row = state.rows.get(event.id) ?? blobRow(event.id, nowMs);
			state.rows.set(event.id, {...row, doneBytes: event.doneBytes, totalBytes: event.totalBytes ?? row.totalBytes});
			return undefined;
		}
		case 'blob.finished':
			state.storedCount++;
			return finishBlob(state, event, nowMs);
		case 'blob.skipped':
			state.skippedCount++;
			return finishBlob(state, event, nowMs);
		case 'blob.mounted':
			state.mountedCount++;
			return finishBlob(state, event, nowMs);
		case 'hosts.progress':
			if (!applyHosts(state, event, nowMs)) countHosts(state, event, nowMs);
			return undefined;
		case 'host.key':
			return {
				kind: 'key',
				title: `${event.host} is new, its key is ${event.algorithm} ${event.fingerprint}${event.file === undefined ? '' : ', recorded'}`,
				scope: '',
			};
		case 'registry.limit':
			return limitOutcome(state, event);
		case 'command.output': {
			if (applyOutput(state, event, nowMs)) return linesOfImage(event);
			const row = state.rows.get(event.id);
			const tail = event.text.trimEnd().split('\n').at(-1)?.split('\r').at(-1);
			if (row !== undefined && tail !== undefined && tail.trim() !== '') state.rows.set(event.id, {...row, tail});
			return linesOfImage(event);
		}
		case 'workloads.progress':
			applyWorkloads(state, event, nowMs);
			return undefined;
		case 'balancer.failed':
			state.warningCount++;
			return {kind: 'warning', title: `${event.service}: ${event.message}`, scope: ''};
		// What is left on hosts is a warning of its own.
		case 'host.restored':
			return undefined;
		// A balancer writes its own lines, and the layers that an image is embedded with are steps of their own.
		case 'balancer.member':
		case 'balancer.table':
		case 'image.found':
		case 'image.embedded':
			return undefined;
		case 'warning': {
			state.warningCount++;
			const place =
				event.file === undefined ? '' : `${event.file}${event.line === undefined ? '' : `:${event.line}`}: `;
			return {kind: 'warning', title: `${place}${event.message} [${event.code}]`, scope: '', hint: event.hint};
		}
		case 'retry':
			return {
				kind: 'retry',
				title: `${event.id.startsWith('sha') ? blobRow(event.id, nowMs).title : event.id}: ${event.reason}, attempt ${event.attempt} in ${(event.delayMs / 1000).toFixed(1)}s`,
				scope: '',
			};
	}
}

/** A step of the same id keeps its row; hosts alone have one until all of them are done, and the result says the rest. */
function countHosts(state: ProgressState, event: Extract<SealEvent, {type: 'hosts.progress'}>, nowMs: number): void {
	const {id, title, totalHosts, doneHosts, failedHosts, slowest} = event;
	const row = state.rows.get(id);
	if (doneHosts === totalHosts && row?.hosts !== undefined && row.isStep !== true) state.rows.delete(id);
	else {
		const hosts = {totalHosts, doneHosts, failedHosts, slowest};
		state.rows.set(id, {...(row ?? {id, title, scope: '', startedMs: nowMs, doneBytes: 0}), hosts});
	}
}

/** Content that moves without a step is known by its digest, of which people read the first digits. */
function blobRow(id: string, nowMs: number): Row {
	return {
		id,
		title: `blob ${id.replace(/^sha(?:256|512):/, '').slice(0, 12)}`,
		scope: '',
		startedMs: nowMs,
		doneBytes: 0,
		isBlob: true,
	};
}

/** A blob that is a row of its own ends it; one that belongs to a step (same id) only completes the step's bar. */
function takeAction(state: ProgressState, id: string): Pick<Row, 'title' | 'scope'> {
	const {title = id, scope = ''} = state.rows.get(id) ?? {};
	state.rows.delete(id);
	return {title, scope};
}

function finishBlob(
	state: ProgressState,
	event: Extract<SealEvent, {type: 'blob.finished' | 'blob.skipped' | 'blob.mounted'}>,
	nowMs: number,
): Outcome | undefined {
	const row = state.rows.get(event.id);
	if (row === undefined) return undefined;
	if (row.isBlob !== true) {
		state.rows.set(event.id, {...row, doneBytes: event.sizeBytes, totalBytes: event.sizeBytes});
		return undefined;
	}
	state.rows.delete(event.id);
	return {kind: 'stored', title: row.title, scope: '', sizeBytes: event.sizeBytes, elapsedMs: nowMs - row.startedMs};
}

/** Said when a fifth is left, and again with the last one. */
function limitOutcome(
	state: ProgressState,
	{host, limit, remaining, windowMs}: Extract<SealEvent, {type: 'registry.limit'}>,
): Outcome | undefined {
	const shown = state.limits.get(host);
	const isWorthSaying = remaining <= limit / 5 && (shown === undefined || (remaining === 0 && shown > 0));
	if (!isWorthSaying) return undefined;
	state.limits.set(host, remaining);
	const hours = windowMs === undefined ? '' : ` in ${Math.max(1, Math.round(windowMs / 3_600_000))}h`;
	return {kind: 'limit', title: `${host} gives ${remaining} more of ${limit}${hours}`, scope: ''};
}

function scopeOf(event: {readonly platform?: string; readonly stage?: string}): string {
	return [event.platform, event.stage].filter(part => part !== undefined && part !== '').join(' ');
}
