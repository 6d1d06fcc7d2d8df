import {once} from 'node:events';
import {SealError} from '../lib/core/errors.js';
import type {Context} from './context.js';
import {exitCodes, signalExitCodes} from './exit-codes.js';
import type {GlobalValues} from './global-flags.js';
import type {Io} from './io.js';
import {createPrompts} from './prompts.js';
import {createProgress, type Progress, type ProgressOptions} from './render/progress.js';
import {createStyle, wantsColor} from './render/style.js';
import type {Settings} from './settings.js';

/** The time of one command: its progress display, its signal handlers and its context. */
export interface Session {
	readonly context: Context;
	/** The exit code of the signal that aborted the command, or undefined. */
	readonly interruptedBy: number | undefined;
	/** Aborts the command; the second time it ends the process at once. */
	interrupt(exitCode: number): void;
	/** Takes the display away and the signal handlers off. Idempotent. */
	close(): void;
}

export function openSession(settings: Settings, globals: GlobalValues, io: Io): Session {
	const options = progressOptions(settings, globals, io);
	const progress = createProgress(io.stderr, options);
	const controller = new AbortController();
	let interruptedBy: number | undefined;
	let gentle: AbortController | undefined;
	const interrupt = (exitCode: number): void => {
		if (gentle?.signal.aborted === false && exitCode === exitCodes.interrupted.code) {
			gentle.abort(new SealError('ERR_ABORTED', 'Interrupted'));
			progress.above('Stopping when what runs now is done; press Ctrl-C again to stop at once.');
			return;
		}
		if (interruptedBy !== undefined) process.exit(exitCode);
		interruptedBy = exitCode;
		if (exitCode === exitCodes.interrupted.code && globals.quiet !== true)
			progress.above('Stopping; press Ctrl-C again to exit at once.');
		controller.abort(new SealError('ERR_ABORTED', 'Interrupted'));
	};
	const unhook = hookSignals(interrupt, progress);
	const {answered, ...prompts} = createPrompts(io, progress, controller.signal);
	return {
		context: {
			settings,
			io,
			style: createStyle(wantsColor(settings.color.value, io.stdout.isTTY === true, io.env)),
			errorStyle: options.look.style,
			width: io.stdout.columns || 80,
			quiet: globals.quiet === true,
			signal: controller.signal,
			stopGently() {
				gentle ??= new AbortController();
				return gentle.signal;
			},
			onEvent: event => progress.onEvent(event),
			async print(bytes, to = 'stdout') {
				if (bytes.length === 0) return;
				await answered();
				progress.beside(io[to], bytes);
				if (io[to].writableNeedDrain) await once(io[to], 'drain', {signal: controller.signal});
			},
			note: text => progress.above(text),
			...prompts,
		},
		get interruptedBy() {
			return interruptedBy;
		},
		interrupt,
		close() {
			progress.stop();
			unhook();
		},
	};
}

function progressOptions(settings: Settings, globals: GlobalValues, io: Io): ProgressOptions {
	const isTerminal = io.stderr.isTTY === true && io.env.TERM !== 'dumb';
	const wanted = globals.progress === undefined && globals.quiet === true ? 'none' : settings.progress.value;
	const locale = io.env.LC_ALL || io.env.LC_CTYPE || io.env.LANG || '';
	return {
		mode: wanted === 'auto' ? (isTerminal && globals.verbose !== true ? 'tty' : 'plain') : wanted,
		verbose: globals.verbose === true,
		look: {
			style: createStyle(wantsColor(settings.color.value, io.stderr.isTTY === true, io.env)),
			unicode: /utf-?8/i.test(locale),
		},
		now: () => performance.now(),
	};
}

function hookSignals(interrupt: (exitCode: number) => void, progress: Progress): () => void {
	const handlers = Object.entries(signalExitCodes).map(([signal, code]) => {
		const handler = (): void => interrupt(code);
		process.on(signal, handler);
		return () => process.off(signal, handler);
	});
	const restore = (): void => progress.stop();
	// Ctrl-Z: the shell that comes forward needs its cursor.
	const suspend = (): void => {
		progress.pause();
		process.kill(process.pid, 'SIGSTOP');
	};
	process.on('exit', restore);
	process.on('SIGTSTP', suspend);
	return () => {
		for (const off of handlers) off();
		process.off('SIGTSTP', suspend);
		process.off('exit', restore);
	};
}
