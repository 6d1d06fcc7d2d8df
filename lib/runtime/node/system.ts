import {execFile} from 'node:child_process';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/** The programs of a host that are asked to look at it and to change it. */
export interface NodeSystem {
	/** Never rejects for how the program ends. A program that is not there ends with 127. */
	run(argv: readonly string[], options?: Abortable): Promise<Ran>;
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
		run([program = '', ...args], {signal} = {}) {
			return new Promise((resolve, reject) => {
				const options = {timeout: 120_000, env: {PATH: path, LC_ALL: 'C'}, maxBuffer: 4 * 1024 * 1024, signal};
				execFile(program, args, options, (error, stdout, stderr) => {
					if (signal?.aborted === true) reject(signal.reason as Error);
					else resolve({code: codeOf(error), stdout, stderr: lastWords(stderr, error)});
				});
			});
		},
	};
}

/** @throws SealError ERR_NODE_STEP with what the program said last */
export async function runOk(
	system: NodeSystem,
	argv: readonly string[],
	title: string,
	options: Abortable = {},
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
