import type {EventListener} from '../lib/core/events.js';
import type {Io} from './io.js';
import type {Style} from './render/style.js';
import type {Settings} from './settings.js';

/** What a command works with. Everything it prints goes through its result, or through these. */
export interface Context {
	readonly settings: Settings;
	readonly io: Io;
	/** The colours of stdout. */
	readonly style: Style;
	/** The colours of stderr, for notes. */
	readonly errorStyle: Style;
	/** Columns of stdout; 80 when it is no terminal. */
	readonly width: number;
	readonly quiet: boolean;
	/** Aborted by Ctrl-C, SIGTERM, SIGHUP and a closed stdout. */
	readonly signal: AbortSignal;
	/**
	 * For work that has safe points: after this call the first Ctrl-C aborts the returned signal only, and the next one `signal`. The command
	 * ends by itself then, and its result says how far it came.
	 */
	stopGently(): AbortSignal;
	/** Feeds the progress display. */
	readonly onEvent: EventListener;
	/**
	 * Writes a part of the result at once, for commands whose result comes over time: whole lines, so that the live progress can
	 * make way. Resolves when the reader wants more.
	 */
	print(bytes: string | Uint8Array, to?: 'stdout' | 'stderr'): Promise<void>;
	/** One line on stderr above the progress, also with --quiet: diagnostics, questions. */
	note(text: string): void;
	/** Asks on the terminal; false without one, so that nothing is ever destroyed by a script by accident. */
	confirm(question: string): Promise<boolean>;
	/** Asks for a line on the terminal; undefined without one. */
	ask(question: string): Promise<string | undefined>;
	/** As `ask`; what is typed is not shown. */
	askSecret(question: string): Promise<string | undefined>;
}
