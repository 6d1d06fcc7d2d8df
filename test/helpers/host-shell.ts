import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {Secret} from '../../lib/core/secret.js';
import {startLocally} from '../../lib/runtime/transport/local/start.js';
import {quote} from '../../lib/runtime/transport/quote.js';
import type {LoginShell} from '../../lib/runtime/transport/shell.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {spawnInShell} from '../../lib/runtime/transport/wrap.js';
import {tempDir} from './temp-dir.js';

export interface HostShellOptions {
	/** Programs that come before those of this machine, as shell scripts. */
	readonly programs?: Readonly<Record<string, string>>;
	/** Lines that the login shell runs before each command, as a .bashrc. */
	readonly profile?: string;
	readonly password?: Secret;
	readonly shell?: string;
	/** Who logs in; default: somebody who is not root. */
	readonly user?: string;
	readonly startTimeoutMs?: number;
}

export interface HostShell extends Transport {
	/** Every line that the login shell was given. */
	readonly lines: readonly string[];
}

/** A host whose login shell is one of this machine: what the wrapper does is real, who logs in and sudo are not. */
export function hostShell(t: ExecutionContext, options: HostShellOptions = {}): HostShell {
	const bin = join(tempDir(t), 'bin');
	mkdirSync(bin);
	for (const [name, text] of Object.entries(options.programs ?? {})) {
		writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
		chmodSync(join(bin, name), 0o755);
	}
	const lines: string[] = [];
	const shell: LoginShell = {
		host: 'host1',
		user: options.user,
		startTimeoutMs: options.startTimeoutMs,
		start(line, start) {
			lines.push(line);
			const path = options.programs === undefined ? '' : `PATH='${bin}':$PATH\nexport PATH\n`;
			const profile = options.profile === undefined ? '' : `${options.profile}\n`;
			return startLocally(options.shell ?? '/bin/sh', `${path}${profile}${line}`, start);
		},
	};
	return {
		host: shell.host,
		lines,
		spawn: (argv, spawnOptions) => spawnInShell(shell, argv, spawnOptions, {password: options.password}),
		close: () => Promise.resolve(),
		[Symbol.asyncDispose]: () => Promise.resolve(),
	};
}

/**
 * A sudo that behaves as the real one where it matters to the one who calls it: it asks with the prompt it is given, reads the password byte by
 * byte from its stdin, up to three times, and complains in English only if it is asked to. Real ones are tried in test/cluster.
 */
export function playedSudo(rule: {
	readonly password?: string;
	readonly refusal?: string;
}): Readonly<Record<string, string>> {
	return {
		id: 'echo 1000',
		sudo: `
while [ "$1" != -- ]; do
	[ "$1" != -p ] || prompt=$2
	shift
done
shift
${rule.refusal === undefined ? '' : `echo "${rule.refusal}" >&2; exit 1`}
${rule.password === undefined ? 'exec "$@"' : ''}
for try in 1 2 3; do
	printf '%s' "$prompt" >&2
	IFS= read -r given || { echo >&2; echo 'sudo: no password was provided' >&2; exit 1; }
	[ "$given" != ${quote(rule.password ?? '')} ] || exec "$@"
	[ "$LC_ALL" = C ] && echo 'Sorry, try again.' >&2 || echo 'Das hat nicht funktioniert.' >&2
done
echo 'sudo: 3 incorrect password attempts' >&2
exit 1`,
	};
}
