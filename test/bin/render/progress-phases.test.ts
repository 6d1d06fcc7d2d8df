import test from 'ava';
import {outcomeLines, rowLine} from '../../../bin/render/progress-line.js';
import {applyEvent, createProgressState, type ProgressState} from '../../../bin/render/progress-state.js';
import {plainStyle} from '../../../bin/render/style.js';
import type {SealEvent} from '../../../lib/core/events.js';

const look = {style: plainStyle, unicode: false};
const started: SealEvent = {
	type: 'plan.started',
	verb: 'run',
	cluster: 'default',
	phases: [
		{phase: 'prepare hosts', actions: 3, hosts: 3, bytes: 0},
		{phase: 'run applications', actions: 1, hosts: 0, bytes: 0},
	],
};

function begin(host: string): SealEvent {
	return {type: 'action.started', id: `prepare/${host}`, phase: 'prepare hosts', title: 'prepare the host', host};
}

function show(state: ProgressState, events: readonly (readonly [SealEvent, number])[]): string[] {
	return events.flatMap(([event, nowMs]) => {
		const outcome = applyEvent(state, event, nowMs);
		return outcome === undefined ? [] : outcomeLines(outcome, look);
	});
}

test('the actions of a phase are one row, and one line when all are done, with the slowest host', t => {
	const state = createProgressState();
	show(state, [
		[started, 0],
		[begin('a'), 0],
		[begin('b'), 0],
		[{type: 'action.finished', id: 'prepare/a', elapsedMs: 900}, 900],
	]);
	const [row] = state.rows.values();
	t.is(state.rows.size, 1);
	t.regex(rowLine(row!, look, 100, 1000), /prepare hosts +1\/3 hosts, waiting for b +1\.0s/);
	const lines = show(state, [
		[begin('c'), 1000],
		[{type: 'action.finished', id: 'prepare/c', elapsedMs: 1000}, 2000],
		[{type: 'action.finished', id: 'prepare/b', elapsedMs: 12_000}, 12_000],
	]);
	t.deepEqual(lines, ['+ prepare hosts: 3 hosts, the slowest b in 12s  12s']);
	t.is(state.rows.size, 0);
});

test('a failure is told at once with its host, and its phase is not told as done', t => {
	const state = createProgressState();
	const lines = show(state, [
		[started, 0],
		[begin('a'), 0],
		[{type: 'action.failed', id: 'prepare/a', message: 'The disk is full', elapsedMs: 10}, 10],
		[begin('b'), 10],
		[{type: 'action.finished', id: 'prepare/b', elapsedMs: 10}, 20],
		[{type: 'action.skipped', id: 'prepare/c', phase: 'prepare hosts', because: 'x'}, 20],
	]);
	t.deepEqual(lines, ['warning: [a] prepare the host: The disk is full']);
	t.is(state.rows.size, 0);
});

test('the row of who waits for applications says what they wait for', t => {
	const state = createProgressState();
	const waiting = ['Deployment shop/web: 0 of 1 pods are ready'];
	show(state, [
		[started, 0],
		[begin('a'), 0],
		[{type: 'workloads.progress', id: 'prepare/a', total: 2, ready: 1, waiting}, 1],
	]);
	const [row] = state.rows.values();
	t.regex(row?.tail ?? '', /1 of 2 workloads ready, waiting for Deployment shop\/web: 0 of 1 pods are ready/);
	show(state, [[{type: 'workloads.progress', id: 'prepare/a', total: 2, ready: 2, waiting: []}, 2]]);
	t.regex([...state.rows.values()][0]?.tail ?? '', /2 of 2 workloads ready/);
});

test('lines of applications stay with the name of their image in front; those of other actions do not', t => {
	const state = createProgressState();
	const output = (id: string, text: string): SealEvent => ({type: 'command.output', id, stream: 'stdout', text});
	const lines = show(state, [
		[started, 0],
		[
			{
				type: 'action.started',
				id: 'application/docker.io/library/redis:v7',
				phase: 'run applications',
				title: 'run redis',
			},
			0,
		],
		[output('application/docker.io/library/redis:v7/line-1', 'deployment created\nservice created\n'), 1],
		[begin('a'), 1],
		[output('prepare/a', 'wrote /etc/x\n'), 2],
	]);
	t.deepEqual(lines, ['| [redis:v7] deployment created', '| [redis:v7] service created']);
	t.is(state.rows.get('prepare hosts')?.tail, '[a] wrote /etc/x');
});

test('actions of no plan keep rows of their own', t => {
	const state = createProgressState();
	show(state, [[{type: 'action.started', id: 'x', phase: 'p', title: 'do it'}, 0]]);
	t.is(state.rows.get('x')?.title, 'do it');
});
