import type {Readable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';
import {emit, type OperationOptions} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {ExitStatus, Transport} from '../transport/transport.js';
import {visible} from './say.js';

export interface FollowOptions extends OperationOptions {
	/** Of the action, for `command.output` events. */
	readonly id: string;
	readonly input?: string | undefined;
	/** The command is stopped then. */
	readonly timeoutMs: number;
}

export interface Followed {
	readonly status: ExitStatus;
	/** The last lines of both streams, in the order in which they came. */
	readonly lines: readonly string[];
}

/**
 * Runs a long command on a host and tells each line that it writes as it comes.
 * @throws HostError ERR_COMMAND_TIMEOUT, and what `Transport.spawn` throws
 */
export async function follow(
	transport: Transport,
	argv: readonly string[],
	{id, input, timeoutMs, signal, onEvent}: FollowOptions,
): Promise<Followed> {
	const deadline = AbortSignal.timeout(timeoutMs);
	const lines: string[] = [];
	const take = (stream: 'stdout' | 'stderr', line: string): void => {
		const text = visible(line);
		lines.push(text);
		if (lines.length > maxLines) lines.splice(0, lines.length - maxLines);
		emit({onEvent}, {type: 'command.output', id, stream, text: `${text}\n`});
	};
	try {
		const running = await transport.spawn(argv, {
			signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
		});
		// A command that ends without reading its input tells why by itself.
		running.stdin.on('error', () => undefined);
		running.stdin.end(input ?? '');
		const [status] = await Promise.all([
			running.exit,
			eachLine(running.stdout, line => take('stdout', line)),
			eachLine(running.stderr, line => take('stderr', line)),
		]);
		return {status, lines};
	} catch (error) {
		if (!deadline.aborted || signal?.aborted === true) throw error;
		const last = lines.at(-1);
		throw new HostError(
			transport.host,
			'ERR_COMMAND_TIMEOUT',
			`The command ${JSON.stringify(argv[0])} did not end within ${timeoutMs / 1000} s and was stopped${last === undefined ? '' : `; it said last: ${last.slice(0, 300)}`}`,
			{
				hint: 'Look on the host for what it waits for, and run the same command again.',
				details: {lines: lines.slice(-20)},
			},
		);
	}
}

const maxLines = 400;
const maxLineChars = 8192;

/** A stream that breaks off is no failure of its own: how the command ended says more. */
async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
	const decoder = new StringDecoder('utf8');
	let rest = '';
	await new Promise<void>(resolve => {
		stream.on('data', (chunk: Buffer) => {
			const parts = `${rest}${decoder.write(chunk)}`.split('\n');
			rest = parts.pop() ?? '';
			for (const part of parts) take(part.replace(/\r$/, ''));
			// A host that never ends its line is told in pieces.
			if (rest.length < maxLineChars) return;
			take(rest);
			rest = '';
		});
		for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
		if (stream.readableEnded || stream.destroyed) resolve();
	});
	if (rest !== '') take(rest);
}
