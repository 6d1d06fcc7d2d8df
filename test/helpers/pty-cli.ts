import test, {type ExecutionContext} from 'ava';
import type * as nodePty from 'node-pty';
import {cliPath} from './run-cli.js';

const pty: Promise<typeof nodePty | undefined> = import('node-pty').then(
	found => found,
	() => undefined,
);

/**
 * A test that wants a terminal. The package that makes one is optional, since it may have to be compiled: without it the test passes with
 * "skipped: node-pty" in its log, but not where CI=true.
 */
export function terminalTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	test(title, async t => {
		if ((await pty) !== undefined || process.env.CI === 'true') return await body(t);
		t.log('skipped: node-pty');
		t.pass();
	});
}

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

export async function cliInTerminal(t: ExecutionContext, dir: string, argv: readonly string[]): Promise<TerminalRun> {
	const loaded = await pty;
	if (loaded === undefined) throw new Error('node-pty is not installed');
	const child = loaded.spawn(process.execPath, [cliPath, ...argv], {
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
