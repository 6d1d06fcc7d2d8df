import {connect, type Socket} from 'node:net';
import type {Second} from '../second.js';

/**
 * Opens connections to the virtual address without end, keeps others open, and tells once a second what became of them. SIGUSR2: the long ones are opened
 * anew, so that all servers have some.
 */
const [, , address, perSecond, long] = process.argv as [string, string, string, string, string];
/** A new connection that is not answered by then has failed. Time in which this process could not run does not count. */
const patienceMs = 1000;
/** How often a long connection says something, and how long its echo may take before it counts as stuck. */
const pingMs = 500;
const stuckMs = 3000;
/** Timers of a lab host go off every ten milliseconds at best. */
const tickMs = 10;

type Tally = {-readonly [Name in keyof Second]: Second[Name]};
const none = (): Tally => ({at: 0, opened: 0, failed: 0, why: {}, by: {}, cut: 0, long: {}, stuck: 0, stalledMs: 0});
let tally = none();
/** How long this process has run, and who waits until when. */
let ranMs = 0;
const waiting: {readonly untilMs: number; readonly end: () => void}[] = [];
const living = new Map<Socket, {by: string; heardAt: number}>();

function open(): Socket {
	const socket = connect({port: 6443, host: address, noDelay: true}, () => socket.write('x'));
	return socket;
}

function once(): void {
	const startedAt = Date.now();
	const socket = open();
	tally.opened++;
	let isDone = false;
	const end = (name: string | undefined, why = 'silence'): void => {
		if (isDone) return;
		isDone = true;
		socket.destroy();
		if (name === undefined) {
			tally.failed++;
			tally.why[why] = (tally.why[why] ?? 0) + 1;
			tally.lastFailedAt = Math.max(tally.lastFailedAt ?? 0, startedAt);
		} else tally.by[name] = (tally.by[name] ?? 0) + 1;
	};
	waiting.push({untilMs: ranMs + patienceMs, end: () => end(undefined)});
	socket.once('data', bytes => end(bytes.toString('latin1').split('\n')[0]));
	socket.once('error', (error: NodeJS.ErrnoException) => end(undefined, error.code));
	socket.once('close', () => end(undefined, 'closed'));
}

function stay(): void {
	const socket = open();
	let isOver = false;
	const ping = setInterval(() => socket.write('.'), pingMs);
	socket.once('data', bytes =>
		living.set(socket, {by: bytes.toString('latin1').split('\n')[0] ?? '', heardAt: Date.now()}),
	);
	socket.on('data', () => {
		const state = living.get(socket);
		if (state !== undefined) state.heardAt = Date.now();
	});
	socket.on('error', () => {});
	socket.once('close', () => {
		clearInterval(ping);
		if (isOver) return;
		isOver = true;
		// One that never came to stand is not cut, and one that we end ourselves is not either.
		if (living.delete(socket)) {
			tally.cut++;
			tally.lastCutAt = Date.now();
		}
		setTimeout(stay, pingMs);
	});
}

process.on('SIGUSR2', () => {
	for (const socket of [...living.keys()]) {
		living.delete(socket);
		socket.destroy();
	}
});

let due = 0;
let tickedAt = performance.now();
setInterval(() => {
	const now = performance.now();
	tally.stalledMs = Math.max(tally.stalledMs, Math.round(now - tickedAt));
	const elapsedMs = Math.min(now - tickedAt, 3 * tickMs);
	tickedAt = now;
	ranMs += elapsedMs;
	while ((waiting[0]?.untilMs ?? Number.POSITIVE_INFINITY) <= ranMs) waiting.shift()?.end();
	due += (elapsedMs * Number(perSecond)) / 1000;
	for (; due >= 1; due--) once();
}, tickMs);

for (let i = 0; i < Number(long); i++) setTimeout(stay, (1000 * i) / Number(long));

setInterval(() => {
	tally.at = Date.now();
	for (const {by, heardAt} of living.values()) {
		tally.long[by] = (tally.long[by] ?? 0) + 1;
		if (tally.at - heardAt > stuckMs) tally.stuck++;
	}
	process.stdout.write(`${JSON.stringify(tally)}\n`);
	tally = none();
}, 1000);
