import type {Secret} from '../../core/secret.js';
import type {LoginShell} from './shell.js';
import type {RemoteProcess, SpawnOptions} from './transport.js';

/** What becoming root takes on a host where one logs in as another user. */
export interface SudoOptions {
	readonly password?: Secret | undefined;
}

/**
 * Runs a list of arguments through a login shell: `Transport.spawn` for every transport that has one.
 * @throws HostError as `Transport.spawn`
 */
export async function spawnInShell(
	shell: LoginShell,
	argv: readonly string[],
	options: SpawnOptions = {},
	_sudo: SudoOptions = {},
): Promise<RemoteProcess> {
	const words = argv.map(word => `'${word.replaceAll("'", "'\\''")}'`);
	const started = await shell.start(`exec ${words.join(' ')}`, options);
	return {
		stdin: started.stdin,
		stdout: started.stdout,
		stderr: started.stderr,
		exit: started.exit,
		kill: () => Promise.resolve(started.close()),
		resize: (columns, rows) => started.resize(columns, rows),
	};
}
