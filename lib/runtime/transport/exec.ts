import type {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {type Bytes, formatBytes, oneChunk} from '../../core/bytes.js';
import type {ErrorCode} from '../../core/codes.js';
import {HostError} from '../host/error.js';
import type {ExitStatus, RemoteProcess, SpawnOptions, Transport} from './transport.js';

export interface ExecOptions extends Omit<SpawnOptions, 'terminal'> {
	/** What the command reads; without it its input is empty. */
	readonly input?: string | Uint8Array | Bytes | undefined;
	/** The command is stopped after this time; default: none. */
	readonly timeoutMs?: number | undefined;
	/** For each of stdout and stderr; default 16 MiB. */
	readonly maxOutputBytes?: number | undefined;
}

export interface ExecResult {
	readonly stdout: Buffer;
	readonly stderr: Buffer;
	readonly status: ExitStatus;
}

/**
 * Runs a command to its end and collects its output, whatever its exit status is.
 * @throws HostError ERR_COMMAND_TIMEOUT, ERR_COMMAND_OUTPUT (the command is stopped then), and what `Transport.spawn` throws
 */
export async function exec(
	transport: Transport,
	argv: readonly string[],
	options: ExecOptions = {},
): Promise<ExecResult> {
	const stop = new AbortController();
	const timer = startTimer(transport, argv, options.timeoutMs, stop);
	const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
	const limitBytes = options.maxOutputBytes ?? defaultOutputBytes;
	const tooMuch = (name: string): void =>
		stop.abort(
			new HostError(
				transport.host,
				'ERR_COMMAND_OUTPUT',
				`The command ${commandName(argv)} wrote more than ${formatBytes(limitBytes)} to ${name}`,
				{hint: 'Send its output to a file on the host and download that.'},
			),
		);
	try {
		const {input, timeoutMs: _timeout, maxOutputBytes: _limit, ...spawnOptions} = options;
		const running = await transport.spawn(argv, {...spawnOptions, signal});
		const [stdout, stderr, status] = await Promise.all([
			gather(running.stdout, limitBytes, () => tooMuch('its output')),
			gather(running.stderr, limitBytes, () => tooMuch('its error output')),
			running.exit,
			feed(running, input, stop),
		]);
		return {stdout, stderr, status};
	} finally {
		clearTimeout(timer);
	}
}

/**
 * Runs a command that is expected to succeed; its stdout.
 * @throws HostError ERR_COMMAND_FAILED with what it wrote to stderr, and what `exec` throws
 */
export async function execOk(
	transport: Transport,
	argv: readonly string[],
	options: ExecOptions = {},
): Promise<Buffer> {
	const result = await exec(transport, argv, options);
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	return result.stdout;
}

/** The error of a command that ended otherwise than with 0. */
export function commandFailed(
	host: string,
	argv: readonly string[],
	{status, stderr}: Pick<ExecResult, 'status' | 'stderr'>,
	code: ErrorCode = 'ERR_COMMAND_FAILED',
): HostError {
	const text = tail(stderr);
	return new HostError(
		host,
		code,
		`The command ${commandName(argv)} ${describeStatus(status)}${text === '' ? '' : `: ${text}`}`,
		{details: {command: argv[0] ?? '', ...status}},
	);
}

/** "ended with exit code 3", "was ended by signal KILL". */
export function describeStatus(status: ExitStatus): string {
	return status.signal === undefined
		? `ended with exit code ${status.code ?? 0}`
		: `was ended by signal ${status.signal}`;
}

/** The text of an error output, its end when it is long. A stream that breaks off is no error of its own. */
export async function gatherTail(stream: Readable, maxChars = 64 * 1024): Promise<string> {
	let text = '';
	stream.setEncoding('utf8');
	await new Promise<void>(resolve => {
		stream.on('data', (chunk: string) => {
			text = (text + chunk).slice(-maxChars);
		});
		for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
		if (stream.readableEnded || stream.destroyed) resolve();
	});
	return text;
}

const defaultOutputBytes = 16 * 1024 * 1024;
const tailChars = 600;

/** Arguments may hold what must not be repeated: only the program is named. */
function commandName(argv: readonly string[]): string {
	return JSON.stringify(argv[0] ?? '');
}

/** The end of an error output, on one line and without control characters: it goes to a terminal. */
function tail(stderr: Buffer): string {
	const text = stderr
		.subarray(-4 * tailChars)
		.toString()
		.trim()
		.replaceAll(/\s*\n\s*/g, '; ');
	const visible = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
	return visible.length > tailChars ? `...${visible.slice(-tailChars)}` : visible;
}

function startTimer(
	transport: Transport,
	argv: readonly string[],
	timeoutMs: number | undefined,
	stop: AbortController,
): NodeJS.Timeout | undefined {
	if (timeoutMs === undefined) return undefined;
	return setTimeout(() => {
		stop.abort(
			new HostError(
				transport.host,
				'ERR_COMMAND_TIMEOUT',
				`The command ${commandName(argv)} did not end within ${timeoutMs / 1000} s and was stopped`,
				{hint: 'Give it more time, or look on the host for what it waits for.'},
			),
		);
	}, timeoutMs);
}

async function gather(stream: Readable, limitBytes: number, exceed: () => void): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let sizeBytes = 0;
	// A stream that breaks off is no error of its own: `exit` tells why.
	await new Promise<void>(resolve => {
		stream.on('data', (chunk: Buffer) => {
			sizeBytes += chunk.length;
			if (sizeBytes <= limitBytes) chunks.push(chunk);
			else if (sizeBytes - chunk.length <= limitBytes) exceed();
		});
		for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
		if (stream.readableEnded || stream.destroyed) resolve();
	});
	return Buffer.concat(chunks);
}

/** Gives the input to the command. One that ends without reading all of it is no failure; an input that breaks off stops it. */
async function feed(running: RemoteProcess, input: ExecOptions['input'], stop: AbortController): Promise<void> {
	await pipeline(guard(bytesOf(input), stop), running.stdin).catch(() => undefined);
}

async function* guard(bytes: Bytes, stop: AbortController): AsyncGenerator<Uint8Array> {
	try {
		yield* bytes;
	} catch (error) {
		stop.abort(error);
		throw error;
	}
}

function bytesOf(input: ExecOptions['input']): Bytes {
	if (typeof input === 'string') return oneChunk(Buffer.from(input));
	return input === undefined || input instanceof Uint8Array ? oneChunk(input ?? new Uint8Array()) : input;
}
