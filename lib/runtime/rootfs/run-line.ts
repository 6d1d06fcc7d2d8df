import type {Readable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';
import type {ErrorCode} from '../../core/codes.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {HostError} from '../host/error.js';
import {describeStatus} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {type Environment, maskSecrets} from './environment.js';

export interface RunLineOptions extends OperationOptions {
	/** Of the action that its output belongs to. */
	readonly id: string;
	/** What fails, at the beginning of a sentence: `The hook init of kubernetes:v1.20.2`. */
	readonly what: string;
	/** When it fails. */
	readonly code: ErrorCode;
	readonly cwd: string;
	/** As data: no value is part of a command line. */
	readonly env: Environment;
}

/**
 * Runs a line of shell, as bash reads it, as root on a host. Each line that it writes is an event, without the values of secret
 * variables; what it wrote last is in the error.
 * @throws HostError with `code` when it ends otherwise than with 0; ERR_COMMAND_CWD; those of the transport
 */
export async function runLine(transport: Transport, line: string, options: RunLineOptions): Promise<void> {
	const {id, what, code, cwd, env, signal} = options;
	const running = await transport.spawn(['bash', '-c', line], {cwd, env, signal});
	running.stdin.on('error', () => undefined);
	running.stdin.end();
	const last: string[] = [];
	const take = (stream: 'stdout' | 'stderr') => (text: string) => {
		const shown = maskSecrets(text, env);
		if (shown.trim() !== '') last.push(shown.trim().slice(-lastChars));
		if (last.length > lastLines) last.shift();
		emit(options, {type: 'command.output', id, stream, text: `${shown}\n`});
	};
	const [status] = await Promise.allSettled([
		running.exit,
		eachLine(running.stdout, take('stdout')),
		eachLine(running.stderr, take('stderr')),
	]);
	if (status.status === 'rejected') throw status.reason;
	if (status.value.code === 0) return;
	const words = last
		.join('; ')
		.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
		.slice(-lastChars);
	const hint =
		status.value.code === 127
			? 'Check that bash and the programs that the script calls are on the host.'
			: 'Mend what it says, and run the command again.';
	const ending = `${what} ${describeStatus(status.value)}${words === '' ? '' : `: ${words}`}`;
	throw new HostError(transport.host, code, ending, {hint, details: {...status.value}});
}

const lastLines = 8;
const lastChars = 800;
/** Longer lines come in pieces: a host that never ends one fills no memory. */
const maxLineChars = 16 * 1024;

/** A stream that breaks off is no error of its own: how the command ended tells why. */
async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
	const decoder = new StringDecoder('utf8');
	let rest = '';
	const feed = (text: string): void => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) take(line.replace(/\r$/, ''));
		for (; rest.length > maxLineChars; rest = rest.slice(maxLineChars)) take(rest.slice(0, maxLineChars));
	};
	try {
		for await (const chunk of stream) feed(decoder.write(chunk as Buffer));
	} finally {
		feed(decoder.end());
		if (rest !== '') take(rest);
	}
}
