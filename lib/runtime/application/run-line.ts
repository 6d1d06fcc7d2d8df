import type {Readable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';
import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {ExitStatus, Transport} from '../transport/transport.js';
import {checkEnvironment, checkLine, type Environment, exportable} from './environment.js';

export interface LineRequest {
	/** A whole line of shell, as it is run. */
	readonly line: string;
	/** The folder that it runs in, absolute. */
	readonly cwd: string;
	/** Folders in front of the host's PATH. */
	readonly path: readonly string[];
	readonly env: Environment;
	/** It is stopped after this time; default: none. */
	readonly timeoutMs?: number | undefined;
}

export interface RunLineOptions extends Abortable {
	/** Gets whole lines of output as they come, each with its line end. */
	readonly onOutput?: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

export interface LineOutcome {
	readonly status: ExitStatus;
	/** The end of what it wrote to both outputs, in the order in which it came. */
	readonly tail: string;
}

/**
 * Runs one line on a host as root, in bash or where there is none in sh, with nothing to read. The environment and the line itself go over
 * as data: no other user of the host sees them in a list of processes. An abort and the end of its time stop it with all it started.
 * @throws SealError ERR_ENVIRONMENT, HostError ERR_COMMAND_CWD, ERR_COMMAND_TIMEOUT, and what `Transport.spawn` throws
 */
export async function runLine(
	transport: Transport,
	request: LineRequest,
	options: RunLineOptions = {},
): Promise<LineOutcome> {
	const {line, cwd, path, env, timeoutMs} = request;
	const variables = {...exportable(env), SEALIMAGE_LINE: line, SEALIMAGE_PATH: path.join(':')};
	checkLine(line);
	checkEnvironment(variables);
	const stop = new AbortController();
	const timer =
		timeoutMs === undefined ? undefined : setTimeout(() => stop.abort(late(transport.host, timeoutMs)), timeoutMs);
	const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
	try {
		const running = await transport.spawn(['/bin/sh', '-c', startScript], {cwd, env: variables, signal});
		// Whether it reads what is not there is its own affair.
		running.stdin.on('error', () => undefined);
		running.stdin.end();
		let tail = '';
		const take = (stream: 'stdout' | 'stderr', text: string): void => {
			tail = `${tail}${text}`.slice(-tailChars);
			options.onOutput?.(stream, text);
		};
		const [status, ...streams] = await Promise.allSettled([
			running.exit,
			follow(running.stdout, text => take('stdout', text)),
			follow(running.stderr, text => take('stderr', text)),
		]);
		// How it ended says more than a stream that broke with it.
		if (status.status === 'rejected') throw status.reason;
		for (const stream of streams) if (stream.status === 'rejected') throw stream.reason;
		return {status: status.value, tail};
	} finally {
		clearTimeout(timer);
	}
}

const tailChars = 4096;
/** A line of output that is longer is passed on in parts. */
const longestChars = 16 * 1024;

/**
 * The line comes in a variable, which is gone before the line begins. Its end is the end of the shell: the last exit status in it is the
 * line's.
 */
const startScript = `
PATH=$SEALIMAGE_PATH:$PATH
export PATH
unset SEALIMAGE_PATH
seal_shell=sh
command -v bash >/dev/null 2>&1 && seal_shell=bash
exec "$seal_shell" -c 'eval "unset SEALIMAGE_LINE
$SEALIMAGE_LINE"'
`.trim();

/** Whole lines; characters that come in two parts are put together. */
async function follow(stream: Readable, take: (text: string) => void): Promise<void> {
	const decoder = new StringDecoder('utf8');
	let rest = '';
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		rest += decoder.write(chunk);
		const end = rest.length > longestChars ? rest.length : rest.lastIndexOf('\n') + 1;
		if (end === 0) continue;
		take(rest.slice(0, end));
		rest = rest.slice(end);
	}
	rest += decoder.end();
	if (rest !== '') take(rest);
}

function late(host: string, timeoutMs: number): HostError {
	return new HostError(
		host,
		'ERR_COMMAND_TIMEOUT',
		`The line did not end within ${timeoutMs / 1000} s and was stopped`,
		{hint: 'Give it more time, or look on the host for what it waits for.'},
	);
}
