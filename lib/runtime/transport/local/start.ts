import {spawn} from 'node:child_process';
import {PassThrough, type Readable} from 'node:stream';
import {HostError} from '../../host/error.js';
import type {ShellProcess, StartOptions} from '../shell.js';
import type {ExitStatus} from '../transport.js';

/** Hands a line to a shell of this machine, in a session of its own as sshd does. */
export async function startLocally(shell: string, line: string, options: StartOptions = {}): Promise<ShellProcess> {
	options.signal?.throwIfAborted();
	if (options.terminal !== undefined) {
		const {startInTerminal} = await import('./terminal.js');
		return await startInTerminal(shell, line, options.terminal);
	}
	const child = spawn(shell, ['-c', line], {detached: true, stdio: 'pipe'});
	const exit = new Promise<ExitStatus>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code, signal) => resolve(signal === null ? {code: code ?? 0} : {signal: signal.slice(3)}));
	});
	exit.catch(() => undefined);
	try {
		await new Promise<void>((resolve, reject) => {
			child.once('spawn', resolve);
			child.once('error', reject);
		});
	} catch (error) {
		throw new HostError('local', 'ERR_HOST_SHELL', `The shell ${shell} cannot be started`, {
			hint: 'Check that the file exists and may be run.',
			cause: error,
		});
	}
	const stdout = held(child.stdout);
	const stderr = held(child.stderr);
	return {
		stdin: child.stdin,
		stdout,
		stderr,
		exit,
		close() {
			for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
			for (const stream of [stdout, stderr]) if (!stream.writableEnded) stream.end();
		},
		resize: () => undefined,
	};
}

const heldBytes = 256 * 1024;

/** When a process has ended, Node throws away what nobody has read of its output yet. Here it waits for its reader. */
function held(stream: Readable): PassThrough {
	return stream.pipe(new PassThrough({highWaterMark: heldBytes}));
}
