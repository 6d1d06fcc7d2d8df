import {once} from 'node:events';
import type {Readable, Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {SealError} from '../../lib/core/errors.js';
import type {ExitStatus, RemoteProcess, Transport} from '../../lib/runtime/transport/transport.js';
import type {Context} from '../context.js';
import type {Io} from '../io.js';
import {createEscapes, escapeHelp} from './escapes.js';
import {createModes} from './modes.js';

export interface SessionRequest {
	readonly argv: readonly string[];
	readonly as: 'root' | 'login';
	/** Give the command a terminal of the size of ours; ours hands on every key then, Ctrl-C included. */
	readonly isInteractive: boolean;
}

/**
 * Runs a command on a host with our stdin, stdout and stderr as its own, byte for byte. Whatever happens, our terminal is left as
 * it was found.
 * @throws HostError when the connection is lost; SealError ERR_ABORTED when it was ended by `~.`
 */
export async function runSession(
	transport: Transport,
	{argv, as, isInteractive}: SessionRequest,
	context: Context,
): Promise<ExitStatus> {
	const {io} = context;
	const leave = new AbortController();
	const signal = AbortSignal.any([context.signal, leave.signal]);
	const size = terminalSize(io);
	const terminal = isInteractive ? {type: io.env.TERM || 'xterm', ...size} : undefined;
	const running = await transport.spawn(argv, {as, terminal, signal});
	running.stdin.on('error', () => {});
	return isInteractive ? await converse(running, leave, io) : await pass(running, io);
}

async function pass(running: RemoteProcess, io: Io): Promise<ExitStatus> {
	// What the command does not read stays unread; our own stdin may never end.
	void pipeline(io.stdin, running.stdin).catch(() => {});
	const outputs = Promise.allSettled([show(running.stdout, io.stdout), show(running.stderr, io.stderr)]);
	const status = await running.exit;
	await outputs;
	return status;
}

async function converse(running: RemoteProcess, leave: AbortController, io: Io): Promise<ExitStatus> {
	const {stdin, stdout} = io;
	const modes = createModes();
	const escapes = createEscapes();
	const type = (typed: Buffer): void => {
		const {send, act} = escapes(typed);
		if (send.length > 0 && !running.stdin.write(send)) {
			stdin.pause();
			running.stdin.once('drain', () => stdin.resume());
		}
		if (act === 'help') stdout.write(escapeHelp);
		if (act === 'disconnect') leave.abort(new SealError('ERR_ABORTED', 'The connection was ended by ~.'));
	};
	const resize = (): void => {
		const {columns, rows} = terminalSize(io);
		running.resize(columns, rows);
	};
	let isOver = false;
	stdin.setRawMode?.(true);
	stdin.on('data', type);
	// A question for a password has paused it.
	stdin.resume();
	stdout.on('resize', resize);
	// The window may have changed while the login took place.
	resize();
	try {
		const outputs = Promise.allSettled([
			show(running.stdout, stdout, chunk => modes.watch(chunk)),
			show(running.stderr, io.stderr),
		]);
		const status = await running.exit;
		await outputs;
		isOver = true;
		return status;
	} finally {
		stdout.off('resize', resize);
		stdin.off('data', type);
		stdin.pause();
		stdin.setRawMode?.(false);
		if (!isOver) stdout.write(`${modes.restore()}\r\n`);
	}
}

async function show(from: Readable, to: Writable, watch?: (chunk: Buffer) => void): Promise<void> {
	for await (const chunk of from as AsyncIterable<Buffer>) {
		watch?.(chunk);
		if (!to.write(chunk)) await once(to, 'drain');
	}
}

function terminalSize({stdout}: Io): {readonly columns: number; readonly rows: number} {
	return {columns: stdout.columns || 80, rows: stdout.rows || 24};
}
