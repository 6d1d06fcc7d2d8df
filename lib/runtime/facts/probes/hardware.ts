import {type Answers, count} from '../answers.js';
import type {HardwareFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/** Processors and memory. Also whom the script ran as: the status of a process holds it, and costs none. */
export const hardwareProbe: Probe<HardwareFacts & {readonly uid: number | undefined}> = {
	script: () => `want /sys/devices/system/cpu/online /proc/swaps
pick '^(processor|model name|Model|Hardware|cpu model|uarch)[[:space:]]*:' /proc/cpuinfo
pick '^(MemTotal|MemAvailable|MemFree|Buffers|Cached):' /proc/meminfo`,
	read: answers => {
		const cpuinfo = answers.lines('/proc/cpuinfo');
		const memory = fields(answers);
		const cpuModel = cpuinfo
			.map(line => /^(?:model name|cpu model|uarch)\s*: (.*)/.exec(line)?.[1]?.trim())
			.find(Boolean);
		const available = memory('MemAvailable') ?? sum(memory('MemFree'), memory('Buffers'), memory('Cached'));
		return {
			cpus: countRanges(answers.line('/sys/devices/system/cpu/online')) ?? cpuinfo.filter(isProcessor).length,
			...(cpuModel === undefined ? {} : {cpuModel}),
			memoryBytes: memory('MemTotal') ?? 0,
			...(available === undefined ? {} : {availableBytes: available}),
			swaps: readSwaps(answers.lines('/proc/swaps')),
			uid: count(/^Uid:\s+\d+\s+(\d+)/.exec(answers.line('/proc/self/status') ?? '')?.[1]),
		};
	},
};

const isProcessor = (line: string): boolean => /^processor\s*: \d/.test(line);

/** Bytes of a line of /proc/meminfo. */
function fields(answers: Answers): (name: string) => number | undefined {
	const lines = answers.lines('/proc/meminfo');
	return name => {
		const line = lines.find(text => text.startsWith(`${name}:`));
		const kilobytes = count(/:\s+(\d+) kB/.exec(line ?? '')?.[1]);
		return kilobytes === undefined ? undefined : kilobytes * 1024;
	};
}

function sum(...values: readonly (number | undefined)[]): number | undefined {
	const known = values.filter(value => value !== undefined);
	return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
}

/** `0-3,8` is five. */
function countRanges(text: string | undefined): number | undefined {
	if (text === undefined || !/^\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*$/.test(text)) return undefined;
	return text
		.split(',')
		.map(range => range.split('-').map(Number))
		.reduce((total, [first = 0, last = first]) => total + Math.max(0, last - first + 1), 0);
}

/** Columns: file name, type, size in KiB, used, priority; below one line of titles. */
function readSwaps(lines: readonly string[]): HardwareFacts['swaps'] {
	return lines.flatMap(line => {
		const match = /^(\/\S*)\s+\S+\s+(\d{1,15})\s/.exec(line);
		return match === null ? [] : [{path: match[1]!, sizeBytes: Number(match[2]) * 1024}];
	});
}
