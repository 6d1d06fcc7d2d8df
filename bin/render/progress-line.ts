import {formatBytes} from '../../lib/core/bytes.js';
import type {HostCount, Outcome, Row} from './progress-state.js';
import type {Style} from './style.js';
import {padEnd, padStart, printable, textWidth, truncate} from './text.js';

export interface Look {
	readonly style: Style;
	/** False where the locale is not UTF-8: ASCII signs only. */
	readonly unicode: boolean;
}

const frames = {unicode: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], ascii: ['|', '/', '-', '\\']} as const;
const barColumns = 16;

/** What is left on the screen when a piece of work is over: one line, cut to the width if there is one, and one for a hint. */
export function outcomeLines(outcome: Outcome, look: Look, width?: number): string[] {
	const {style} = look;
	const signs = look.unicode ? {done: '✔', cached: '≡', note: '!'} : {done: '+', cached: '=', note: '!'};
	switch (outcome.kind) {
		case 'finished':
		case 'stored': {
			const facts = [
				...(outcome.sizeBytes === undefined ? [] : [formatBytes(outcome.sizeBytes)]),
				...(outcome.elapsedMs === undefined ? [] : [formatElapsed(outcome.elapsedMs)]),
			].join('  ');
			return [composed(style.green(signs.done), outcome.scope, outcome.title, facts, look, width)];
		}
		case 'cached':
			return [composed(style.dim(signs.cached), outcome.scope, outcome.title, 'cached', look, width)];
		case 'retry':
			return [composed(style.yellow(signs.note), '', `retry ${outcome.title}`, '', look, width)];
		case 'limit':
		case 'key':
			return [composed(style.yellow(signs.note), '', outcome.title, '', look, width)];
		case 'output':
			return outcome.title
				.split('\n')
				.map(line => composed(style.dim('|'), outcome.scope, line.split('\r').at(-1) ?? '', '', look, width));
		case 'warning':
			return [
				`${style.yellow('warning:')} ${printable(outcome.title)}`,
				...(outcome.hint === undefined ? [] : [`  ${style.cyan('hint:')} ${printable(outcome.hint)}`]),
			];
	}
}

/** The line of work under way: spinner, scope, title, bar, bytes, rate, elapsed; what does not fit is left out from the right. */
export function rowLine(row: Row, look: Look, width: number, nowMs: number): string {
	const elapsedMs = nowMs - row.startedMs;
	const set = look.unicode ? frames.unicode : frames.ascii;
	const spinner = look.style.cyan(set[Math.floor(nowMs / 100) % set.length]!);
	return composed(spinner, row.scope, row.title, factsOf(row, look, width, elapsedMs), look, width);
}

/** The last line that a command printed, under its row. */
export function tailLine(row: Row, look: Look, width: number): string {
	return look.style.dim(truncate(`    ${printable(row.tail ?? '')}`, width - 1));
}

export function formatElapsed(elapsedMs: number): string {
	if (elapsedMs < 9950) return `${(elapsedMs / 1000).toFixed(1)}s`;
	const seconds = Math.round(elapsedMs / 1000);
	if (seconds < 60) return `${seconds}s`;
	const minutes = Math.floor(seconds / 60);
	return minutes < 60
		? `${minutes}m${String(seconds % 60).padStart(2, '0')}s`
		: `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

function factsOf(row: Row, look: Look, width: number, elapsedMs: number): string {
	const elapsed = formatElapsed(elapsedMs);
	const rate = elapsedMs < 500 || row.doneBytes === 0 ? '' : `${formatBytes((row.doneBytes / elapsedMs) * 1000)}/s`;
	if (row.hosts !== undefined && row.hosts.totalHosts > 1) return hostFacts(row, row.hosts, rate, width, elapsed);
	if (row.doneBytes === 0) return elapsed;
	const done = formatBytes(row.doneBytes);
	const share = row.totalBytes === undefined ? undefined : Math.min(1, row.doneBytes / Math.max(1, row.totalBytes));
	const amount = row.totalBytes === undefined ? done : `${done} / ${formatBytes(row.totalBytes)}`;
	const bar = share === undefined ? '' : `${barOf(share, look)} ${String(Math.floor(share * 100)).padStart(3)}%`;
	if (width < 60) return share === undefined ? done : `${Math.floor(share * 100)}%`;
	// Bars of several rows stand under each other.
	const facts =
		width < 90
			? [bar, width < 70 ? amount : padStart(amount, 17)]
			: [bar, padEnd(amount, 17), padEnd(rate, 9), elapsed.padStart(5)];
	return facts.filter(fact => fact.trim() !== '').join('  ');
}

/** "12/40 hosts, 3 failed, 1.2 GB / 4 GB, 110 MB/s, waiting for n7, n8  4.2s"; on a narrow terminal only what is counted. */
function hostFacts(row: Row, hosts: HostCount, rate: string, width: number, elapsed: string): string {
	const {doneHosts, totalHosts, failedHosts, slowest, noun = 'hosts'} = hosts;
	const {doneBytes, totalBytes} = row;
	const facts = [
		`${doneHosts}/${totalHosts} ${noun}`,
		...(failedHosts === 0 ? [] : [`${failedHosts} failed`]),
		...(doneBytes === 0
			? []
			: [formatBytes(doneBytes) + (totalBytes === undefined ? '' : ` / ${formatBytes(totalBytes)}`)]),
		...(rate === '' || width < 90 ? [] : [rate]),
	];
	// Who is waited for is news once the others are done.
	const waiting = slowest.slice(0, width < 90 ? 1 : 3).map(printable);
	const isLate = doneHosts > 0 && width >= 60 && waiting.length > 0;
	return `${facts.join(', ')}${isLate ? `, waiting for ${waiting.join(', ')}` : ''}  ${elapsed}`;
}

function barOf(share: number, look: Look): string {
	const full = Math.round(share * barColumns);
	return look.unicode
		? look.style.green('━'.repeat(full)) + look.style.dim('─'.repeat(barColumns - full))
		: `${'#'.repeat(full)}${'.'.repeat(barColumns - full)}`;
}

/** One line that never wraps: the title gives way first, down to a third of the line, then the facts. No width: no limit. */
function composed(
	sign: string,
	scope: string,
	title: string,
	facts: string,
	look: Look,
	width: number | undefined,
): string {
	const prefix = scope === '' ? '' : `[${printable(scope)}] `;
	if (width === undefined) return `${sign} ${prefix}${printable(title)}${facts === '' ? '' : `  ${facts}`}`;
	const room = width - 1 - 2;
	const factsShown = textWidth(facts) + Math.min(20, room / 3) <= room ? facts : '';
	const left = room - (factsShown === '' ? 0 : textWidth(factsShown) + 2);
	const text = truncate(prefix + printable(title), left);
	const styled = text.startsWith(prefix) ? look.style.dim(prefix) + text.slice(prefix.length) : text;
	return `${sign} ${factsShown === '' ? styled : `${padEnd(styled, left)}  ${factsShown}`}`;
}
