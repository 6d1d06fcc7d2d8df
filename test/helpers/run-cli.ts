import {spawn} from 'node:child_process';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {tempDir} from './temp-dir.js';

export const cliPath: string = join(process.cwd(), '.build/bin/sealimage.js');

export interface CliResult {
	readonly exitCode: number | null;
	readonly stdout: string;
	readonly stdoutBytes: Buffer;
	readonly stderr: string;
}

export interface CliOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string | Buffer;
}

export interface Cli {
	/** Home, working directory and store of the runs. */
	readonly dir: string;
	run(argv: readonly string[], options?: CliOptions): Promise<CliResult>;
	/** As `run`; fails the test when the exit code is not 0. */
	ok(...argv: readonly string[]): Promise<string>;
	/** The result of a command with `--output json`. */
	json(...argv: readonly string[]): Promise<unknown>;
}

/** The compiled command line as child processes in a folder of its own, with nothing of the caller's environment but PATH. */
export function cliIn(t: ExecutionContext, dir: string = tempDir(t)): Cli {
	const start: Cli['run'] = (argv, {env = {}, input} = {}) =>
		new Promise((resolve, reject) => {
			const child = spawn(process.execPath, [cliPath, ...argv], {
				cwd: dir,
				env: {
					PATH: process.env.PATH,
					HOME: dir,
					XDG_RUNTIME_DIR: join(dir, 'run'),
					TZ: 'Pacific/Chatham',
					LC_ALL: 'C',
					SEALIMAGE_ROOT: join(dir, 'store'),
					...env,
				},
			});
			const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
			child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
			child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
			child.stdin.on('error', () => {});
			child.stdin.end(input);
			child.on('error', reject);
			child.on('close', exitCode => {
				const stdoutBytes = Buffer.concat(stdout);
				resolve({exitCode, stdout: stdoutBytes.toString(), stdoutBytes, stderr: Buffer.concat(stderr).toString()});
			});
		});
	const run: Cli['run'] = (argv, options) => inTurn(() => start(argv, options));
	const ok: Cli['ok'] = async (...argv) => {
		const {exitCode, stdout, stderr} = await run(argv);
		t.is(exitCode, 0, `sealimage ${argv.join(' ')}: ${stderr}`);
		return stdout;
	};
	return {dir, run, ok, json: async (...argv) => JSON.parse(await ok('--output', 'json', ...argv)) as unknown};
}

/** Of one test file. All at once they starve each other, and for minutes no test ends: ava then takes them for hung. */
const mostAtOnce = 4;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
	if (running < mostAtOnce) running++;
	else await new Promise<void>(resolve => waiting.push(resolve));
	try {
		return await work();
	} finally {
		const next = waiting.shift();
		if (next === undefined) running--;
		else next();
	}
}
