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
	/** Resolves once this was shown after the last time that something was waited for; rejects with all that was shown after a minute. */
	waitFor(text: string | RegExp): Promise<void>;
	type(text: string): void;
	resize(columns: number, rows: number): void;
	/** Rejects with all that was shown when the end does not come within a minute from now. */
	readonly exitCode: Promise<number>;
}

const patienceMs = 60_000;

/**
 * Tells the status in the stream itself, and stays until that was read: node-pty gives up what a process wrote when it is not read within 200 ms of its
 * end, as on a machine that stands still for a moment.
 */
const staying = 'trap : INT QUIT; "$@"; printf "\\033]ended;%d\\007" $?; read -r _';
const endMark = /\x1b\]ended;(\d+)\x07/;

export async function cliInTerminal(t: ExecutionContext, dir: string, argv: readonly string[]): Promise<TerminalRun> {
	const loaded = await pty;
	if (loaded === undefined) throw new Error('node-pty is not installed');
	const child = loaded.spawn('/bin/sh', ['-c', staying, 'sh', process.execPath, cliPath, ...argv], {
		name: 'xterm-256color',
		cols: 100,
		rows: 30,
		cwd: dir,
		env: {PATH: process.env.PATH, HOME: dir, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8'},
	});
	t.teardown(() => {
		try {
			// The shell leads a session: what it started gets SIGHUP as it ends.
			child.kill('SIGKILL');
		} catch {
			// It has ended.
		}
	});
	let shown = '';
	let seen = 0;
	let check = (): void => {};
	const ended = new Promise<number>((resolve, reject) => {
		child.onData(chunk => {
			shown += chunk;
			const [mark, status] = endMark.exec(shown) ?? [];
			if (mark !== undefined) shown = shown.replace(mark, '');
			check();
			if (status !== undefined) resolve(Number(status));
		});
		child.onExit(() => reject(new Error(`the shell of the terminal ended:\n${shown}`)));
	});
	ended.catch(() => {});
	const inTime = async <T>(awaited: Promise<T>, what: string): Promise<T> => {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			const fail = (): void =>
				reject(
					new Error(
						`${what} did not come within ${patienceMs / 1000} s:\n${shown}\n(${JSON.stringify(shown.slice(-200))})`,
					),
				);
			timer = setTimeout(fail, patienceMs);
		});
		return await Promise.race([awaited, late]).finally(() => clearTimeout(timer));
	};
	return {
		get shown() {
			return shown;
		},
		async waitFor(text) {
			const found = new Promise<void>((resolve, reject) => {
				check = () => {
					const at = typeof text === 'string' ? shown.indexOf(text, seen) : shown.slice(seen).search(text) + seen;
					if (at < seen) return;
					seen = at + 1;
					check = () => {};
					resolve();
				};
				check();
				ended.then(code => reject(new Error(`ended with ${code} and never showed ${String(text)}:\n${shown}`)), reject);
			});
			await inTime(found, String(text));
		},
		type: text => child.write(text),
		resize: (columns, rows) => child.resize(columns, rows),
		get exitCode() {
			return inTime(ended, 'The end');
		},
	};
}
