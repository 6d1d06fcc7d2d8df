import {stat} from 'node:fs/promises';
import {ifExists, withIo} from '../../../core/io-error.js';

/** Tells one state of a file or folder from another without reading it. */
export interface Stamp {
	readonly text: string;
	/** When it was looked at is so long after it changed that a later change must show in the stamp. */
	readonly settled: boolean;
}

/** Undefined when there is nothing at `path`. */
export async function stampOf(path: string): Promise<Stamp | undefined> {
	const facts = await withIo('read', path, () => ifExists(() => stat(path, {bigint: true})));
	if (facts === undefined) return undefined;
	const {ino, size, mtimeNs, ctimeNs, ctimeMs} = facts;
	return {
		text: `${ino}-${size}-${mtimeNs}-${ctimeNs}`,
		settled: Math.abs(Date.now() - Number(ctimeMs)) > clockTickMs,
	};
}

/**
 * File systems note times by a clock that ticks every 4 to 10 ms, and use the number of a removed file again: two changes
 * within a tick may leave the same stamp.
 */
const clockTickMs = 40;
