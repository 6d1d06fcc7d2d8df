import {execFile} from 'node:child_process';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/** The programs of a host that are asked to look at it and to change it. */
export interface NodeSystem {
	/** Never rejects for how the program ends. A program that is not there ends with 127. */
	run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
}

export interface RunOptions extends Abortable {
	/** What the program reads; without it its input is empty. */
	readonly input?: string | undefined;
	/** Default two minutes. */
	readonly timeoutMs?: number | undefined;
}

export interface Ran {
	readonly code: number;
	readonly stdout: string;
	/** Without control characters; the last of it. */
	readonly stderr: string;
}

/** The machine that this runs on. @param path of folders with programs; not that of whoever started the agent */
export function realSystem(path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'): NodeSystem {
	return {
		run([program = '', ...args], {signal, input = '', timeoutMs = 120_000} = {}) {
			return new Promise((resolve, reject) => {
				const options = {timeout: timeoutMs, env: {PATH: path, LC_ALL: 'C'}, maxBuffer: 16 * 1024 * 1024, signal};
				const child = execFile(program, args, options, (error, stdout, stderr) => {
					if (signal?.aborted === true) reject(signal.reason as Error);
					else resolve({code: codeOf(error), stdout, stderr: lastWords(stderr, error)});
				});
				// A program that does not read all of it is its own affair.
				child.stdin?.on('error', () => undefined).end(input);
			});
		},
	};
}

/** @throws SealError ERR_NODE_STEP with what the program said last */
export async function runOk(
	system: NodeSystem,
	argv: readonly string[],
	title: string,
	options: RunOptions = {},
): Promise<string> {
	const {code, stdout, stderr} = await system.run(argv, options);
	if (code === 0) return stdout;
	throw new SealError('ERR_NODE_STEP', `It failed to ${title}: ${stderr === '' ? `exit code ${code}` : stderr}`, {
		hint: 'Mend what is said, and run the command again: what is done stays done.',
		details: {argv: [...argv], code},
	});
}

function codeOf(error: Error | null): number {
	if (error === null) return 0;
	const {code} = error as {readonly code?: unknown};
	return typeof code === 'number' ? code : code === 'ENOENT' ? 127 : 1;
}

function lastWords(stderr: string, error: Error | null): string {
	const said = stderr.trim() === '' && error !== null && codeOf(error) === 1 ? '' : stderr;
	return said
		.slice(-2000)
		.trim()
		.replaceAll(/\s*\n\s*/g, '; ')
		.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
