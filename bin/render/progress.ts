import type {EventListener, SealEvent} from '../../lib/core/events.js';
import type {Screen} from '../io.js';
import {formatJson} from './json.js';
import {type Look, outcomeLines} from './progress-line.js';
import {createLiveProgress} from './progress-live.js';
import {applyEvent, createProgressState} from './progress-state.js';
import {printable} from './text.js';

/** Shows events on stderr while an operation runs. */
export interface Progress {
	readonly onEvent: EventListener;
	/** Prints lines that stay, above whatever is live. */
	above(text: string): void;
	/** Writes results to another stream, which may be on the same screen: the live block makes way and comes back. */
	beside(stream: Screen, bytes: string | Uint8Array): void;
	/** Takes the live block away, for a question on the terminal; the next event brings it back. */
	pause(): void;
	/** Keeps everything back while a question is on the screen, until the returned function is called. */
	hold(): () => void;
	/** Leaves the screen as a person expects it: no block, cursor shown. Idempotent. */
	stop(): void;
}

export interface ProgressOptions {
	readonly mode: 'tty' | 'plain' | 'json' | 'none';
	readonly verbose: boolean;
	readonly look: Look;
	/** Milliseconds of a monotonic clock. */
	readonly now: () => number;
}

export function createProgress(screen: Screen, options: ProgressOptions): Progress {
	switch (options.mode) {
		case 'tty':
			return createLiveProgress(screen, options.look, options.now);
		case 'plain':
			return createLineProgress(screen, plainRenderer(options));
		case 'json':
			return createLineProgress(screen, event => [formatJson(event)]);
		case 'none':
			return createLineProgress(screen, () => []);
	}
}

/** Lines that only ever get more: for pipes, files and machines. */
function createLineProgress(screen: Screen, lines: (event: SealEvent) => readonly string[]): Progress {
	let held: string[] | undefined;
	const say = (text: string): void => {
		if (held === undefined) screen.write(text);
		else held.push(text);
	};
	return {
		onEvent(event) {
			for (const line of lines(event)) say(`${line}\n`);
		},
		above(text) {
			say(text.endsWith('\n') ? text : `${text}\n`);
		},
		hold() {
			held ??= [];
			return () => {
				const texts = held ?? [];
				held = undefined;
				for (const text of texts) screen.write(text);
			};
		},
		beside(stream, bytes) {
			stream.write(bytes);
		},
		pause() {},
		stop() {},
	};
}

/** One line per finished piece of work; with `--verbose` also its start and what commands print. */
function plainRenderer(options: ProgressOptions): (event: SealEvent) => string[] {
	const state = createProgressState();
	return event => {
		const outcome = applyEvent(state, event, options.now());
		if (outcome !== undefined) return outcomeLines(outcome, options.look);
		if (!options.verbose) return [];
		if (event.type === 'step.started') return [`> ${printable(event.title)}`];
		if (event.type !== 'command.output') return [];
		return event.text
			.replace(/\n$/, '')
			.split('\n')
			.map(line => `  | ${printable(line)}`);
	};
}
