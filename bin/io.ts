import {availableParallelism, homedir} from 'node:os';
import type {Readable, Writable} from 'node:stream';
import {secretVariables} from './secret-variables.js';

/** A stream that may be a terminal. */
export type Screen = Writable & {
	readonly isTTY?: boolean;
	readonly columns?: number;
	readonly rows?: number;
};

/** The process as the command line sees it: the one place where environment, streams and clock come from. */
export interface Io {
	readonly stdin: Readable & {readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown};
	readonly stdout: Screen;
	readonly stderr: Screen;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly cwd: string;
	readonly home: string;
	/** The number of the user; undefined where users have none. */
	readonly uid: number | undefined;
	readonly processors: number;
	/** Milliseconds since the epoch. */
	now(): number;
}

export function processIo(): Io {
	const env = {...process.env};
	for (const variable of Object.values(secretVariables)) delete process.env[variable];
	return {
		get stdin() {
			return process.stdin;
		},
		stdout: process.stdout,
		stderr: process.stderr,
		env,
		get cwd() {
			return process.cwd();
		},
		home: homedir(),
		uid: process.getuid?.(),
		processors: availableParallelism(),
		now: Date.now,
	};
}

/** Writes and waits until the bytes are with the operating system, so that a following exit loses nothing. */
export async function write(stream: Writable, text: string | Uint8Array): Promise<void> {
	await new Promise<void>((done, fail) => {
		stream.write(text, error => (error ? fail(error) : done()));
	});
}
