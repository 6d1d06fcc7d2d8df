import type {SealEvent} from '../../lib/core/events.js';
import type {Screen} from '../io.js';
import type {Progress} from './progress.js';
import {formatElapsed, type Look, outcomeLines, rowLine, tailLine} from './progress-line.js';
import {applyEvent, createProgressState, type ProgressState} from './progress-state.js';
import {textWidth} from './text.js';

/** The least time between two redraws. */
const redrawMs = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';

/**
 * A block of lines that is redrawn in place under the lines that stay: finished work scrolls up, work under way stays
 * at the bottom. The cursor is hidden while the block is shown. `now` is a monotonic clock in milliseconds.
 */
export function createLiveProgress(screen: Screen, look: Look, now: () => number): Progress {
	const state = createProgressState();
	const startedMs = now();
	let block: string[] = [];
	let pending: string[] = [];
	let timer: NodeJS.Timeout | undefined;
	let stopped = false;
	let hidden = false;

	let isHeld = false;

	const draw = (): void => {
		timer = undefined;
		if (isHeld && !stopped) return;
		const width = Math.max(20, screen.columns || 80);
		const next = stopped ? [] : blockLines(state, look, width, screen.rows || 24, now(), startedMs);
		const up = physicalRows(block, screen.columns || 80);
		let text = up === 0 ? '' : `\r\x1b[${up}A`;
		if (!hidden && next.length > 0) {
			text += hideCursor;
			hidden = true;
		}
		for (const line of [...pending, ...next]) text += `${line}${clearLine}\n`;
		text += up === 0 ? '' : clearBelow;
		if (hidden && stopped) {
			text += showCursor;
			hidden = false;
		}
		pending = [];
		block = next;
		if (text !== '') screen.write(text);
		if (state.rows.size > 0 && !stopped) schedule();
	};
	/** Erases the block; what is pending waits for the next one. */
	const take = (): void => {
		const up = physicalRows(block, screen.columns || 80);
		if (up > 0) screen.write(`\r\x1b[${up}A${clearBelow}`);
		block = [];
	};
	const schedule = (): void => {
		timer ??= setTimeout(draw, redrawMs).unref();
	};

	return {
		onEvent(event: SealEvent) {
			if (stopped) return;
			const outcome = applyEvent(state, event, now());
			if (outcome !== undefined) pending.push(...outcomeLines(outcome, look, screen.columns || 80));
			schedule();
		},
		above(text) {
			pending.push(...text.replace(/\n$/, '').split('\n'));
			draw();
		},
		beside(stream, bytes) {
			if (stream.isTTY === true) take();
			stream.write(bytes);
			if (state.rows.size > 0 && !stopped) schedule();
		},
		hold() {
			this.pause();
			isHeld = true;
			return () => {
				isHeld = false;
				draw();
			};
		},
		pause() {
			if (timer !== undefined) clearTimeout(timer);
			timer = undefined;
			take();
			if (hidden) screen.write(showCursor);
			hidden = false;
		},
		stop() {
			if (stopped) return;
			stopped = true;
			if (timer !== undefined) clearTimeout(timer);
			draw();
		},
	};
}

/** As many rows as the terminal can hold without scrolling, the oldest first, and a line that counts the rest. */
function blockLines(
	state: ProgressState,
	look: Look,
	width: number,
	height: number,
	nowMs: number,
	startedMs: number,
): string[] {
	const rows = [...state.rows.values()];
	const room = Math.max(1, Math.min(height - 3, 16));
	const lines: string[] = [];
	let shown = 0;
	for (const row of rows) {
		const own = [rowLine(row, look, width, nowMs), ...(row.tail === undefined ? [] : [tailLine(row, look, width)])];
		if (lines.length + own.length > room && shown > 0) break;
		lines.push(...own);
		shown++;
	}
	// A row that counts hosts says it all.
	if (rows.length === 0 || (rows.length === 1 && rows[0]?.hosts !== undefined)) return lines;
	// A build moves blobs too, but it is the steps that people count there.
	const moves = rows.some(row => row.isBlob === true);
	const counts = [
		`${rows.length} running`,
		...(state.finishedCount > 0 ? [`${state.finishedCount} done`] : []),
		...(moves && state.storedCount > 0 ? [`${state.storedCount} moved`] : []),
		...(moves && state.mountedCount > 0 ? [`${state.mountedCount} mounted`] : []),
		...(moves && state.skippedCount > 0 ? [`${state.skippedCount} there already`] : []),
		...(state.cachedCount > 0 ? [`${state.cachedCount} cached`] : []),
		...(rows.length > shown ? [`${rows.length - shown} not shown`] : []),
	];
	const summary = `  ${counts.join(', ')}, ${formatElapsed(nowMs - startedMs)}`;
	return summary.length < width ? [...lines, look.style.dim(summary)] : lines;
}

/** Terminals reflow lines when they get narrower: a line drawn before may take several rows now. */
function physicalRows(lines: readonly string[], columns: number): number {
	return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / Math.max(1, columns))), 0);
}
