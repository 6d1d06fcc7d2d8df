import {randomBytes} from 'node:crypto';
import type {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {environmentLines} from './environment.js';
import {exec} from './exec.js';
import type {LoginShell} from './shell.js';
import type {ExitStatus, RemoteProcess, RemoteSignal, SpawnOptions, Transport} from './transport.js';
import {endScript, type WrapRequest} from './wrap-script.js';
import {type Begun, begin} from './wrap-start.js';

/** What becoming root takes on a host where one logs in as another user. */
export interface SudoOptions {
	readonly password?: Secret | undefined;
}

/**
 * Runs a list of arguments through a login shell: `Transport.spawn` for every transport that has one. In one round trip when the
 * login is root or sudo asks for nothing. The password goes over only when sudo asks for it, and once: a wrong one is not tried
 * again, for a few failures lock an account.
 * @throws HostError as `Transport.spawn`; TypeError when a word or a variable holds a NUL
 */
export async function spawnInShell(
	shell: LoginShell,
	argv: readonly string[],
	options: SpawnOptions = {},
	sudo: SudoOptions = {},
): Promise<RemoteProcess> {
	checkWords(argv, options.cwd);
	const lines = environmentLines(options.env ?? {});
	const request: WrapRequest = {
		mark: randomBytes(9).toString('hex'),
		root: options.as !== 'login' && shell.user !== 'root',
		cwd: options.cwd ?? '',
		environmentLines: lines.length,
		terminal: options.terminal !== undefined,
		argv,
	};
	const {signal, terminal} = options;
	const start = (): Promise<Begun> =>
		begin(shell, request, {
			signal,
			terminal,
			lines,
			password: sudo.password,
			beside: wantsTerminal.has(shell),
			end: group => endGroup(shell, group, 'TERM', graceTenths, options, sudo),
		});
	let begun: Begun;
	try {
		begun = await start();
	} catch (error) {
		if (!isTerminalWanted(error) || request.terminal) throw error;
		wantsTerminal.add(shell);
		begun = await start();
	}
	const running = remoteProcess(shell, begun, options, sudo);
	// It began while it was aborted: that ends it, and then there is nothing to give.
	if (signal?.aborted === true) await running.exit;
	return running;
}

/** Hosts whose sudo was found to want a terminal: asked for at once from the second command on. */
const wantsTerminal = new WeakSet<LoginShell>();
/** How long a command has between TERM and KILL, and we for both: sudo is slow on some hosts. */
const graceTenths = 20;
const endTimeoutMs = 20_000;

function checkWords(argv: readonly string[], cwd = ''): void {
	const [program = ''] = argv;
	if (program === '' || program.startsWith('-')) throw new TypeError('A command needs the name of a program');
	if ([...argv, cwd].some(word => word.includes('\0'))) throw new TypeError('An argument cannot hold a NUL character');
}

function isTerminalWanted(error: unknown): boolean {
	return error instanceof HostError && error.code === 'ERR_SUDO_TTY' && error.details.tried !== true;
}

function remoteProcess(shell: LoginShell, begun: Begun, options: SpawnOptions, sudo: SudoOptions): RemoteProcess {
	const {started, group} = begun;
	const {signal} = options;
	const end = (name: RemoteSignal, tenths: number): Promise<void> =>
		endGroup(shell, group, name, tenths, options, sudo);
	let ending: Promise<void> | undefined;
	const onAbort = (): void => {
		ending = end('TERM', graceTenths)
			.catch(ignore)
			.finally(() => started.close());
	};
	if (signal?.aborted === true) onAbort();
	else signal?.addEventListener('abort', onAbort, {once: true});
	const exit = (async (): Promise<ExitStatus> => {
		try {
			return await started.exit;
		} finally {
			signal?.removeEventListener('abort', onAbort);
			await ending;
			if (ending !== undefined) signal?.throwIfAborted();
		}
	})();
	exit.catch(ignore);
	return {
		stdin: started.stdin,
		stdout: started.stdout,
		stderr: started.stderr,
		exit,
		kill: name => end(name, 0),
		resize: (columns, rows) => started.resize(columns, rows),
	};
}

/** Sends a signal to a process group by a second command, for sshd passes none on to a command that sudo started. */
async function endGroup(
	shell: LoginShell,
	group: number,
	signal: RemoteSignal,
	tenths: number,
	{as}: SpawnOptions,
	sudo: SudoOptions,
): Promise<void> {
	const urgent: LoginShell = {...bind(shell), start: (line, options) => shell.start(line, {...options, urgent: true})};
	if (wantsTerminal.has(shell)) wantsTerminal.add(urgent);
	const transport: Transport = {
		host: shell.host,
		spawn: (argv, options) => spawnInShell(urgent, argv, options, sudo),
		close: () => Promise.resolve(),
		[Symbol.asyncDispose]: () => Promise.resolve(),
	};
	const argv = ['/bin/sh', '-c', endScript, 'sealimage', String(group), signal, String(tenths)];
	await exec(transport, argv, {as, timeoutMs: endTimeoutMs});
}

function bind(shell: LoginShell): Pick<LoginShell, 'host' | 'user'> {
	return {host: shell.host, user: shell.user};
}

function ignore(): void {
	// The stream's or process's end tells the same.
}
