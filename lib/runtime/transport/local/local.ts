import type {Secret} from '../../../core/secret.js';
import type {LoginShell} from '../shell.js';
import type {Transport} from '../transport.js';
import {spawnInShell} from '../wrap.js';
import {startLocally} from './start.js';

export interface LocalOptions {
	/** How reports call this machine; default `local`. */
	readonly host?: string | undefined;
	/** For sudo, when this process is not root's. */
	readonly sudoPassword?: Secret | undefined;
	/** The shell that lines go to; default `/bin/sh`. */
	readonly shell?: string | undefined;
}

/** This machine as a host. Commands behave as over SSH: they get the same environment, groups and signals, and end with this process. */
export function createLocalTransport(options: LocalOptions = {}): Transport {
	const closing = new AbortController();
	const running = new Set<Promise<unknown>>();
	const shell: LoginShell = {
		host: options.host ?? 'local',
		user: process.geteuid?.() === 0 ? 'root' : undefined,
		start: (line, start) => startLocally(options.shell ?? '/bin/sh', line, start),
	};
	const close = async (): Promise<void> => {
		closing.abort(new Error('The transport was closed'));
		await Promise.allSettled(running);
	};
	return {
		host: shell.host,
		async spawn(argv, spawnOptions = {}) {
			const signal =
				spawnOptions.signal === undefined ? closing.signal : AbortSignal.any([spawnOptions.signal, closing.signal]);
			const started = await spawnInShell(shell, argv, {...spawnOptions, signal}, {password: options.sudoPassword});
			running.add(started.exit);
			const forget = (): boolean => running.delete(started.exit);
			started.exit.then(forget, forget);
			return started;
		},
		close,
		[Symbol.asyncDispose]: close,
	};
}
