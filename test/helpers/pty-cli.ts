import type {ExecutionContext} from 'ava';
import {spawn} from 'node-pty';
import {cliPath} from './run-cli.js';

/** The compiled command line in a terminal. */
export interface TerminalRun {
	/** All that was shown, escapes included. */
	readonly shown: string;
	/** Resolves once this was shown after the last time that something was waited for. */
	waitFor(text: string | RegExp): Promise<void>;
	type(text: string): void;
	resize(columns: number, rows: number): void;
	readonly exitCode: Promise<number>;
}

export function cliInTerminal(t: ExecutionContext, dir: string, argv: readonly string[]): TerminalRun {
	const child = spawn(process.execPath, [cliPath, ...argv], {
		name: 'xterm-256color',
		cols: 100,
		rows: 30,
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8'},
	});
	t.teardown(() => {
		try {
			child.kill('SIGKILL');
		} catch {
			// It has ended.
		}
	});
	let shown = '';
	let seen = 0;
	let check = (): void => {};
	child.onData(chunk => {
		shown += chunk;
		check();
	});
	const exitCode = new Promise<number>(resolve => {
		child.onExit(({exitCode: code}) => resolve(code));
	});
	return {
		get shown() {
			return shown;
		},
		async waitFor(text) {
			await new Promise<void>((resolve, reject) => {
				check = () => {
					const found = typeof text === 'string' ? shown.indexOf(text, seen) : shown.slice(seen).search(text) + seen;
					if (found < seen) return;
					seen = found + 1;
					check = () => {};
					resolve();
				};
				check();
				void exitCode.then(code => reject(new Error(`ended with ${code} and never showed ${String(text)}:\n${shown}`)));
			});
		},
		type: text => child.write(text),
		resize: (columns, rows) => child.resize(columns, rows),
		exitCode,
	};
}
