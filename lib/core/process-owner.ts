import {randomBytes} from 'node:crypto';
import {readFileSync, readlinkSync} from 'node:fs';
import {hostname} from 'node:os';
import {systemCode} from './errors.js';

/**
 * Who made a lock or a scratch folder. A process id alone is not enough: ids are used again, after a reboot quickly, and
 * containers that share a folder each count their own.
 */
export interface ProcessOwner {
	readonly pid: number;
	/** Clock ticks from boot to the start of the process (proc(5), stat field 22); empty where /proc is missing. */
	readonly startTime: string;
	/** The kernel's boot id, or the host name where there is none. */
	readonly bootId: string;
	/** The pid namespace as `/proc/self/ns/pid` shows it; empty where /proc is missing. */
	readonly pidNamespace: string;
	/** Tells two owners in one process apart. */
	readonly token: string;
}

/** The identity of this process with a fresh token. */
export function createOwner(): ProcessOwner {
	self ??= {
		pid: process.pid,
		startTime: startTimeOf(process.pid) ?? '',
		bootId: readBootId(),
		pidNamespace: readNamespace(),
	};
	return {...self, token: randomBytes(8).toString('hex')};
}

/** Reads what `JSON.stringify` of an owner gives; undefined for anything else. */
export function parseOwner(text: string): ProcessOwner | undefined {
	try {
		const value = JSON.parse(text) as Partial<ProcessOwner> | null;
		if (!Number.isSafeInteger(value?.pid) || (value?.pid ?? 0) <= 0) return undefined;
		const texts = [value?.startTime, value?.bootId, value?.pidNamespace, value?.token];
		return texts.every(part => typeof part === 'string') ? (value as ProcessOwner) : undefined;
	} catch {
		return undefined;
	}
}

/** `unknown` when the owner ran under another kernel or in another container: only the age of its files can tell. */
export function stateOf(owner: ProcessOwner): 'alive' | 'dead' | 'unknown' {
	const {bootId, pidNamespace} = createOwner();
	if (owner.bootId !== bootId || owner.pidNamespace !== pidNamespace) return 'unknown';
	const startTime = startTimeOf(owner.pid);
	if (startTime !== undefined) return startTime === owner.startTime ? 'alive' : 'dead';
	return owner.startTime === '' && answersSignals(owner.pid) ? 'alive' : 'dead';
}

let self: Omit<ProcessOwner, 'token'> | undefined;

/** The command name in field 2 may hold spaces and parentheses: fields are counted from the last one. */
function startTimeOf(pid: number): string | undefined {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		// A zombie has ended: nothing of it can come back to its lock.
		return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
	} catch {
		return undefined;
	}
}

function readBootId(): string {
	try {
		return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
	} catch {
		return hostname();
	}
}

function readNamespace(): string {
	try {
		return readlinkSync('/proc/self/ns/pid');
	} catch {
		return '';
	}
}

function answersSignals(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return systemCode(error) === 'EPERM';
	}
}
