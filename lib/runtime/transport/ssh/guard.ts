import type {Duplex} from 'node:stream';

export interface GuardOptions {
	/** A stream that brings nothing for so long is ended. */
	readonly silenceMs: number;
	/** The most that one channel holds unread. */
	readonly unreadBytes: () => number;
	readonly fail: (error: Error) => void;
}

export interface StreamGuard {
	/** From now on the limit on what comes before the login is off. */
	loggedIn(): void;
	stop(): void;
}

/**
 * Bounds what a host can make this machine keep or wait for, beside the protocol: what it sends before the login (banners
 * without end), silence, data beyond the windows it was given, and questions whose answers it does not take.
 */
export function guardStream(stream: Duplex, {silenceMs, unreadBytes, fail}: GuardOptions): StreamGuard {
	let loggedIn = false;
	let receivedBytes = 0;
	let sinceCheckBytes = 0;
	// Counted, not measured: after a pause of this process itself (or of its machine) one tick is late, not eight.
	let silentTicks = 0;
	stream.on('data', (chunk: Buffer) => {
		silentTicks = 0;
		sinceCheckBytes += chunk.length;
		if (!loggedIn) {
			receivedBytes += chunk.length;
			if (receivedBytes > preludeLimitBytes)
				fail(new FloodError(`more than ${preludeLimitBytes} bytes before the login`));
		} else if (sinceCheckBytes > unreadLimitBytes) {
			sinceCheckBytes = 0;
			if (unreadBytes() > unreadLimitBytes) fail(new FloodError('more data than it was given a window for'));
		}
		if (stream.writableLength > queueLimitBytes && stream.writableNeedDrain) {
			stream.pause();
			stream.once('drain', () => stream.resume());
		}
	});
	const watch = (): void => {
		if (++silentTicks > ticks) fail(new SilenceError());
	};
	const timer = setInterval(watch, Math.ceil(silenceMs / ticks));
	return {
		loggedIn() {
			loggedIn = true;
		},
		stop: () => clearInterval(timer),
	};
}

/** The host said nothing for longer than is allowed. */
export class SilenceError extends Error {}

/** The host sent what the protocol, or good manners, do not allow. The message completes "The host sent". */
export class FloodError extends Error {}

const ticks = 8;
/** Key exchange and login take a tenth of it. ssh2 goes through a growing banner again and again: it must stay small. */
const preludeLimitBytes = 128 * 1024;
/** Four of ssh2's windows: stdout and stderr share one, and each may fill it while the other is read. */
const unreadLimitBytes = 8 * 1024 * 1024;
/** Beyond what the windows of many channels make of it. */
const queueLimitBytes = 64 * 1024 * 1024;
