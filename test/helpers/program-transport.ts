import {spawn} from 'node:child_process';
import type {ExitStatus, RemoteProcess, Transport} from '../../lib/runtime/transport/transport.js';

/**
 * A transport on which every command is the same local program, whatever is asked for: agents that misbehave. With `withArguments` the
 * program is told what was asked for.
 */
export function programTransport(
	program: readonly string[],
	host = 'box',
	{withArguments = false}: {readonly withArguments?: boolean} = {},
): Transport {
	const [command = '', ...args] = program;
	return {
		host,
		async spawn(argv, options = {}) {
			options.signal?.throwIfAborted();
			const child = spawn(command, withArguments ? [...args, ...argv] : args, {stdio: 'pipe', detached: true});
			const kill = (): void => {
				try {
					process.kill(-child.pid!, 'SIGKILL');
				} catch {
					// It has ended, and its output is still on the way.
				}
				child.stdout.destroy();
			};
			options.signal?.addEventListener('abort', kill);
			const exit = new Promise<ExitStatus>((resolve, reject) => {
				child.on('error', reject);
				child.on('close', (code, signal) => {
					options.signal?.removeEventListener('abort', kill);
					if (options.signal?.aborted) reject(options.signal.reason as Error);
					resolve(code === null ? {signal: signal!.slice(3)} : {code});
				});
			});
			return {
				stdin: child.stdin,
				stdout: child.stdout,
				stderr: child.stderr,
				exit,
				kill: async signal => void child.kill(`SIG${signal}`),
				resize: () => {},
			} satisfies RemoteProcess;
		},
		close: async () => {},
		[Symbol.asyncDispose]: async () => {},
	};
}
