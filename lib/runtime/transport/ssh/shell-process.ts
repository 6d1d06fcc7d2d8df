import {Readable, Writable} from 'node:stream';
import {HostError} from '../../host/error.js';
import type {ShellProcess} from '../shell.js';
import type {ExitStatus} from '../transport.js';
import type {ClientChannel} from './ssh2.js';

export interface ChannelProcess extends ShellProcess {
	/** The connection is gone. What had come whole by then is still given. */
	lose(reason: Error): void;
	/** Nobody wants it any more. */
	abandon(reason: Error): void;
}

/** The three streams and the end of what runs in a channel. */
export function channelProcess(host: string, channel: ClientChannel, hasTerminal: boolean): ChannelProcess {
	// A channel throws and emits errors once its connection is gone; `exit` tells it.
	channel.on('error', () => undefined);
	channel.stderr.on('error', () => undefined);
	const stdin = stdinOf(channel);
	const stdout = outputOf(channel);
	const stderr = hasTerminal ? Readable.from([]) : outputOf(channel.stderr);
	if (hasTerminal) channel.stderr.resume();
	let status: ExitStatus | undefined;
	channel.once('exit', (code: number | null, signal?: string) => {
		status = code === null ? {signal: signalName(signal)} : {code};
		// Who still writes would wait for ever: what read it has ended.
		stdin.destroy();
	});
	let settle: (reason?: Error) => void = () => undefined;
	const exit = new Promise<ExitStatus>((resolve, reject) => {
		settle = reason => {
			stdin.destroy();
			if (reason === undefined && status !== undefined) resolve(status);
			else reject(reason ?? endedSilently(host));
		};
	});
	exit.catch(() => undefined);
	channel.once('close', () => settle());
	const abandon = (reason: Error): void => {
		settle(reason);
		quietly(() => channel.close());
		stdout.destroy();
		stderr.destroy();
	};
	return {
		stdin,
		stdout,
		stderr,
		exit,
		close() {
			quietly(() => channel.close());
			const timer = setTimeout(() => abandon(unansweredError(host)), closeTimeoutMs);
			timer.unref();
			const stop = (): void => clearTimeout(timer);
			exit.then(stop, stop);
		},
		resize: (columns, rows) => quietly(() => channel.setWindow(rows, columns, 0, 0)),
		abandon,
		lose(reason) {
			const whole = status !== undefined && (channel.incoming as {readonly state: string}).state !== 'open';
			if (!whole) abandon(reason);
			else if (channel.readableEnded) settle();
			else channel.once('end', () => settle());
		},
	};
}

/**
 * Not the channel itself: who destroys stdin would end stdout too, and a channel that closes calls no pending writer back. What
 * cannot be written any more is no error of its own: `exit` tells why.
 */
function stdinOf(channel: ClientChannel): Writable {
	let pending: (() => void) | undefined;
	const settle = (): void => {
		const done = pending;
		pending = undefined;
		done?.();
	};
	const pass = (step: (settled: (error?: Error | null) => void) => void, done: () => void): void => {
		pending = done;
		const settled = (error?: Error | null): void => {
			if (error instanceof Error) stdin.destroy();
			else settle();
		};
		try {
			step(settled);
		} catch {
			stdin.destroy();
		}
	};
	const stdin = new Writable({
		write: (chunk: Buffer, _encoding, done) =>
			pass(
				settled => channel.write(chunk, settled),
				() => done(),
			),
		final: done =>
			pass(
				settled => channel.end(settled),
				() => done(),
			),
		destroy(error, done) {
			settle();
			done(error);
		},
	});
	return stdin;
}

/** The readable half of a channel as a stream of its own, which can be destroyed without closing the channel. */
function outputOf(source: Readable): Readable {
	const output = new Readable({
		highWaterMark: 256 * 1024,
		read: () => void source.resume(),
		destroy(error, done) {
			// What nobody wants any more must still be taken: the window is shared with the other stream.
			source.resume();
			done(error);
		},
	});
	source.on('data', (chunk: Buffer) => {
		if (!output.destroyed && !output.push(chunk)) source.pause();
	});
	source.once('end', () => output.push(null));
	return output;
}

const closeTimeoutMs = 3000;

function unansweredError(host: string): HostError {
	return new HostError(host, 'ERR_HOST_LOST', 'The host does not answer', {
		hint: 'Check the host and the network; what ran there may still run.',
	});
}

function endedSilently(host: string): HostError {
	return new HostError(host, 'ERR_HOST_PROTOCOL', 'The SSH server closed a command without saying how it ended', {
		hint: 'Look at the log of sshd on the host, and whether it was out of memory.',
	});
}

/** The host chooses the text; it goes into reports. */
function signalName(told: string | undefined): string {
	const name = (told ?? '').replace(/^SIG/, '');
	return /^[A-Z][A-Z0-9]{0,15}$/.test(name) ? name : 'UNKNOWN';
}

function quietly(step: () => void): void {
	try {
		step();
	} catch {
		// The connection is gone, and the channel with it.
	}
}
