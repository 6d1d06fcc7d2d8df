import {PassThrough} from 'node:stream';
import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import type {ExitStatus, RemoteProcess, RemoteSignal} from '../transport.js';

/** A command that is running on a fake host, as seen from the host. */
export interface FakeProgram {
	readonly stdin: PassThrough;
	readonly stdout: PassThrough;
	readonly stderr: PassThrough;
	/** Aborted when the command is killed, stopped by its caller, or the connection is lost. */
	readonly ended: AbortSignal;
	/** Ends it. Only the first call counts. */
	exit(status: ExitStatus): void;
	/** The connection breaks: its caller gets a HostError. */
	lose(): void;
	/** What the host does for it: its caller learns of an abort or a loss only when that has come to rest, as on a real host. */
	rest: Promise<unknown>;
}

/** Both ends of a command without a process: the caller's and the host's. */
export function createFakeProcess(host: string, options: Abortable): {remote: RemoteProcess; program: FakeProgram} {
	const stdin = new PassThrough();
	const stdout = new PassThrough();
	const stderr = new PassThrough();
	const end = new AbortController();
	let settle: {resolve(status: ExitStatus): void; reject(reason: unknown): void};
	const exit = new Promise<ExitStatus>((resolve, reject) => {
		settle = {resolve, reject};
	});
	exit.catch(() => undefined);
	const close = (): void => {
		options.signal?.removeEventListener('abort', onAbort);
		for (const stream of [stdout, stderr]) if (!stream.writableEnded) stream.end();
		stdin.destroy();
		end.abort();
	};
	const stop = (reason: unknown): void => {
		if (end.signal.aborted) return;
		close();
		const patience = new Promise(resolve => setTimeout(resolve, restMs));
		void Promise.race([program.rest, patience]).then(() => settle.reject(reason));
	};
	const onAbort = (): void => stop(options.signal?.reason);
	const finish = (status: ExitStatus): void => {
		if (end.signal.aborted) return;
		close();
		settle.resolve(status);
	};
	const program: FakeProgram = {
		stdin,
		stdout,
		stderr,
		ended: end.signal,
		exit: finish,
		lose: () => stop(lostConnection(host)),
		rest: Promise.resolve(),
	};
	stdin.on('error', () => undefined);
	options.signal?.addEventListener('abort', onAbort, {once: true});
	return {
		remote: {
			stdin,
			stdout,
			stderr,
			exit,
			async kill(signal: RemoteSignal) {
				if (!end.signal.aborted) finish({signal});
			},
			resize: () => undefined,
		},
		program,
	};
}

/** An answer that never comes does not hold up an abort. */
const restMs = 200;

function lostConnection(host: string): HostError {
	return new HostError(host, 'ERR_HOST_LOST', 'The connection to the host was lost', {
		hint: 'Check the network and that the host is up, then run it again.',
	});
}
