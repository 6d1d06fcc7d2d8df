import {createHash} from 'node:crypto';
import {hostsText} from './hosts-text.js';
import type {Style} from './style.js';
import {printable} from './text.js';

/** What commands wrote, kept until all have ended, equal outputs once. */
export interface HostGroups {
	push(host: string, chunk: Buffer): void;
	/** A host has ended: its output is compared with that of the others, and kept only when it is new. */
	end(host: string): void;
	/** Each output under the hosts that gave it, the most common first. `show` makes a line what is printed for it. */
	render(hosts: readonly string[], style: Style, show: (line: Buffer) => Buffer): Buffer;
}

/** Of one host; what comes after it is left out, and said to be. */
const maxBytes = 1024 * 1024;
/** Of different outputs together; when they are more, only the beginnings of further ones are kept. */
const maxTotalBytes = 64 * 1024 * 1024;
const beginningBytes = 4096;

export function createHostGroups(): HostGroups {
	const open = new Map<string, {readonly chunks: Buffer[]; sizeBytes: number; isCut: boolean}>();
	let totalBytes = 0;
	const outputs = new Map<string, {readonly output: Buffer; readonly hosts: Set<string>}>();
	return {
		push(host, chunk) {
			const own = open.get(host) ?? {chunks: [], sizeBytes: 0, isCut: false};
			open.set(host, own);
			const limit = Math.min(maxBytes, Math.max(beginningBytes, maxTotalBytes - totalBytes));
			const kept = chunk.subarray(0, Math.max(0, limit - own.sizeBytes));
			own.isCut ||= kept.length < chunk.length;
			own.sizeBytes += kept.length;
			if (kept.length > 0) own.chunks.push(kept);
		},
		end(host) {
			const own = open.get(host);
			if (own === undefined) return;
			open.delete(host);
			const cut = own.isCut ? [Buffer.from('\n[more was left out]')] : [];
			const output = Buffer.concat([...own.chunks, ...cut]);
			const key = createHash('sha256').update(output).digest('base64');
			const group = outputs.get(key);
			if (group === undefined) {
				outputs.set(key, {output, hosts: new Set([host])});
				totalBytes += output.length;
			} else group.hosts.add(host);
		},
		render(hosts, style, show) {
			const groups = [...outputs.values()].toSorted((a, b) => b.hosts.size - a.hosts.size);
			return Buffer.concat(
				groups.flatMap(group => {
					const names = hosts.filter(host => group.hosts.has(host));
					return [Buffer.from(`${style.cyan(`${printable(hostsText(names))}:`)}\n`), ...indented(group.output, show)];
				}),
			);
		},
	};
}

function indented(output: Buffer, show: (line: Buffer) => Buffer): Buffer[] {
	const lines: Buffer[] = [];
	const end = output.at(-1) === 10 ? output.length - 1 : output.length;
	for (let from = 0; from <= end; ) {
		const at = output.indexOf(10, from);
		const to = at < 0 || at > end ? end : at;
		lines.push(indent, show(output.subarray(from, to)), newline);
		from = to + 1;
	}
	return lines;
}

const indent = Buffer.from('  ');
const newline = Buffer.from('\n');
