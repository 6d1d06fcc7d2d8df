import type {OutputStream} from '../../lib/runtime/host/exec.js';
import {createHostGroups} from './host-groups.js';
import {formatJson} from './json.js';
import type {Style} from './style.js';
import {padEnd, printable, textWidth} from './text.js';

/** Output of commands on hosts, cut into whole lines that may be printed between those of other hosts. */
export interface HostOutput {
	/** What can be printed now; empty while a line is unfinished. */
	push(host: string, stream: OutputStream, chunk: Buffer): Buffer;
	/** What is left of a host's streams, when they have ended. */
	end(host: string, stream: OutputStream): Buffer;
	/** What was kept back until all hosts have ended. */
	rest?(): Buffer;
}

/** A line longer than this is shown in pieces, so that a host cannot fill the memory. */
const maxLineBytes = 64 * 1024;

/** `turn` makes one line, without its newline, into what is printed for it. */
export function createHostOutput(
	turn: (host: string, stream: OutputStream, line: Buffer) => Buffer | string,
): HostOutput {
	const open = new Map<string, Buffer>();
	const print = (host: string, stream: OutputStream, lines: readonly Buffer[]): Buffer =>
		Buffer.concat(lines.flatMap(line => [Buffer.from(turn(host, stream, line)), newline]));
	return {
		push(host, stream, chunk) {
			const key = `${stream} ${host}`;
			const before = open.get(key);
			const bytes = before === undefined ? chunk : Buffer.concat([before, chunk]);
			const {lines, rest} = cutLines(bytes);
			if (rest.length === 0) open.delete(key);
			else open.set(key, Buffer.from(rest));
			return print(host, stream, lines);
		},
		end(host, stream) {
			const key = `${stream} ${host}`;
			const rest = open.get(key);
			open.delete(key);
			return rest === undefined ? Buffer.alloc(0) : print(host, stream, [rest]);
		},
	};
}

const newline = Buffer.from('\n');

function cutLines(bytes: Buffer): {readonly lines: readonly Buffer[]; readonly rest: Buffer} {
	const lines: Buffer[] = [];
	let from = 0;
	for (;;) {
		const at = bytes.indexOf(10, from);
		const end = at < 0 ? bytes.length : at;
		for (; end - from > maxLineBytes; from += maxLineBytes) lines.push(bytes.subarray(from, from + maxLineBytes));
		if (at < 0) return {lines, rest: bytes.subarray(from)};
		lines.push(bytes.subarray(from, at));
		from = at + 1;
	}
}

export interface LineLook {
	/** Of the hosts; without them lines have no prefix. */
	readonly names: readonly string[] | undefined;
	/** Of the stream that the line goes to. */
	readonly style: Record<OutputStream, Style>;
	/** On a terminal what a host prints must not move the cursor; elsewhere its bytes stay as they are. */
	readonly isTerminal: Record<OutputStream, boolean>;
}

/** `node1 | text`, the names in one column. */
export function prefixedLines({names, style, isTerminal}: LineLook): HostOutput {
	const width = Math.min(40, Math.max(0, ...(names ?? []).map(name => textWidth(printable(name)))));
	return createHostOutput((host, stream, line) => {
		const prefix = names === undefined ? '' : prefixOf(padEnd(printable(host), width), stream, style[stream]);
		if (isTerminal[stream]) return prefix + terminalLine(line.toString('utf8'));
		return prefix === '' ? line : Buffer.concat([Buffer.from(prefix), line]);
	});
}

/** The streams of a single host as they are; a terminal gets them line by line all the same. */
export function plainOutput(look: LineLook): HostOutput {
	const lines = prefixedLines({...look, names: undefined});
	return {
		push: (host, stream, chunk) => (look.isTerminal[stream] ? lines.push(host, stream, chunk) : chunk),
		end: (host, stream) => lines.end(host, stream),
	};
}

/** Stdout when all have ended, equal outputs once; stderr line by line, as it comes. */
export function groupedOutput(hosts: readonly string[], look: LineLook): HostOutput {
	const lines = prefixedLines(look);
	const groups = createHostGroups();
	const show = (line: Buffer): Buffer =>
		look.isTerminal.stdout ? Buffer.from(terminalLine(line.toString('utf8'))) : line;
	return {
		push(host, stream, chunk) {
			if (stream === 'stderr') return lines.push(host, stream, chunk);
			groups.push(host, chunk);
			return Buffer.alloc(0);
		},
		end(host, stream) {
			if (stream === 'stderr') return lines.end(host, stream);
			groups.end(host);
			return Buffer.alloc(0);
		},
		rest: () => groups.render(hosts, look.style.stdout, show),
	};
}

/** One JSON object a line: text, or base64 where the bytes are no UTF-8. */
export function jsonLines(): HostOutput {
	return createHostOutput((host, stream, line) => {
		const text = line.toString('utf8');
		const content = Buffer.from(text).equals(line) ? {text} : {base64: line.toString('base64')};
		return formatJson({type: 'output', host, stream, ...content});
	});
}

function prefixOf(name: string, stream: OutputStream, style: Style): string {
	return stream === 'stderr' ? style.yellow(`${name} ! `) : style.cyan(`${name} | `);
}

/** Colours pass, all else that a terminal would obey is made visible. What a progress bar drew over is left out. */
function terminalLine(text: string): string {
	const last = text.replace(/\r+$/, '').split('\r').at(-1) ?? '';
	const shown = expandTabs(last)
		.split(/(\x1b\[[\d;]*m)/)
		.map((part, i) => (i % 2 === 1 ? part : printable(part)))
		.join('');
	return shown.includes('\x1b') ? `${shown}\x1b[0m` : shown;
}

function expandTabs(text: string): string {
	if (!text.includes('\t')) return text;
	let shown = '';
	for (const [i, part] of text.split('\t').entries())
		shown += i === 0 ? part : `${' '.repeat(8 - (textWidth(shown) % 8))}${part}`;
	return shown;
}
