import {spawn} from 'node:child_process';
import {once} from 'node:events';
import type {ExitStatus, RemoteProcess, SpawnOptions, Transport} from '../../lib/runtime/transport/transport.js';

/** This machine as a host whose `sh` is a shell of the test's choice, and whose environment is no more than what is given. */
export function shellTransport(shell: readonly string[], env: Readonly<Record<string, string>> = {}): Transport {
	const close = (): Promise<void> => Promise.resolve();
	return {
		host: 'here',
		spawn: (argv, options) => Promise.resolve(start([...shell, ...argv.slice(1)], env, options)),
		close,
		[Symbol.asyncDispose]: close,
	};
}

function start(
	argv: readonly string[],
	env: Readonly<Record<string, string>>,
	options: SpawnOptions = {},
): RemoteProcess {
	const child = spawn(argv[0]!, argv.slice(1), {env: {...env}, detached: true, stdio: 'pipe'});
	const signalGroup = (signal: NodeJS.Signals): void => {
		if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
			process.kill(-child.pid, signal);
	};
	options.signal?.addEventListener('abort', () => signalGroup('SIGKILL'));
	return {
		stdin: child.stdin,
		stdout: child.stdout,
		stderr: child.stderr,
		exit: once(child, 'close').then(([code, signal]): ExitStatus => {
			options.signal?.throwIfAborted();
			return typeof code === 'number' ? {code} : {signal: String(signal).slice(3)};
		}),
		kill: signal => Promise.resolve(signalGroup(`SIG${signal}`)),
		resize: () => undefined,
	};
}
