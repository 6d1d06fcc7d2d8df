import {readFile} from 'node:fs/promises';
import {loadForeign} from '../core/foreign.js';

// asm-generic/mman-common.h
const MADV_DONTNEED = 4;

/** A part of the address space that holds pages of a file. */
export interface Mapping {
	readonly address: bigint;
	readonly sizeBytes: bigint;
}

/**
 * Gives the pages of Node's own program file back that only the start needed: two thirds of what such a process has resident, and it stays for
 * good on every node. The kernel keeps them as cache while it has the memory, and what is needed again comes back by itself. Does nothing where
 * the system does not show its mappings.
 */
export async function giveBackPages(program: string = process.execPath): Promise<void> {
	const text = await readFile('/proc/self/smaps', 'latin1').catch(() => '');
	const unneeded = programMappings(text, program);
	if (unneeded.length === 0) return;
	const madvise = (await loadForeign())
		.load('libc.so.6')
		.func('int madvise(uintptr_t address, size_t length, int advice)');
	for (const {address, sizeBytes} of unneeded) madvise(address, sizeBytes, MADV_DONTNEED);
}

/** The read-only mappings of a file in proc_pid_smaps(5) of which no page was ever written to: a written one would be lost. */
export function programMappings(smaps: string, program: string): readonly Mapping[] {
	return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap(entry => {
		const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ [1-9]\d* +(.+)/.exec(entry) ?? [];
		const isUntouched = /^Anonymous: +0 kB$/m.test(entry) && /^Swap: +0 kB$/m.test(entry);
		if (path !== program || !isUntouched) return [];
		const address = BigInt(`0x${from}`);
		return [{address, sizeBytes: BigInt(`0x${to}`) - address}];
	});
}
