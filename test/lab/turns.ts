import {mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {oneAtATime} from './hosts.js';
import {labDir} from './place.js';

/** How a file of tests uses the lab: `beside` others, or `alone`, since what it measures is time or what is lost meanwhile. */
export type Turn = 'beside' | 'alone';

/**
 * Waits until the tests of this process may begin, in the order in which the processes of one run asked: those that came before and are not compatible are
 * over. A process that is gone has ended its turn.
 * @returns its end
 */
export async function takeTurn(turn: Turn): Promise<() => void> {
	// Ava starts a process for each file.
	const folder = join(labDir, 'turns', String(process.ppid));
	const own = oneAtATime(() => {
		mkdirSync(folder, {recursive: true});
		const number = 1 + Math.max(0, ...ticketsIn(folder).map(ticket => ticket.number));
		writeFileSync(join(folder, String(number)), `${process.pid} ${turn}`);
		return number;
	});
	const isInTheWay = (other: Ticket): boolean =>
		other.number < own && (turn === 'alone' || other.turn === 'alone') && isAlive(other.pid);
	while (ticketsIn(folder).some(isInTheWay)) await sleep(250);
	return () =>
		oneAtATime(() => {
			rmSync(join(folder, String(own)), {force: true});
			if (readdirSync(folder).length === 0) rmdirSync(folder);
		});
}

interface Ticket {
	readonly number: number;
	readonly pid: number;
	readonly turn: string;
}

function ticketsIn(folder: string): readonly Ticket[] {
	return readdirSync(folder).flatMap(name => {
		try {
			const [pid, turn = ''] = readFileSync(join(folder, name), 'utf8').split(' ');
			return [{number: Number(name), pid: Number(pid), turn}];
		} catch {
			// Its turn has just ended.
			return [];
		}
	});
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
