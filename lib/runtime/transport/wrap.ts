import {randomBytes} from 'node:crypto';
import type {Readable} from 'node:stream';
import type {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {environmentLines} from './environment.js';
import {exec} from './exec.js';
import {readMark} from './mark.js';
import type {LoginShell, ShellProcess} from './shell.js';
import {shellError, sudoError} from './sudo.js';
import type {ExitStatus, RemoteProcess, RemoteSignal, SpawnOptions, Transport} from './transport.js';
import {endScript, type WrapRequest, wrapLine, wrapLineWithTerminal} from './wrap-script.js';

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
	let opened: Opened;
	try {
		opened = await open(shell, request, lines, options, sudo);
	} catch (error) {
		if (!isTerminalWanted(error) || request.terminal) throw error;
		wantsTerminal.add(shell);
		opened = await open(shell, request, lines, options, sudo);
	}
	return remoteProcess(shell, opened, options, sudo);
}

interface Opened {
	readonly started: ShellProcess;
	/** The process group on the host. */
	readonly group: number;
}

/** Hosts whose sudo was found to want a terminal: asked for at once from the second command on. */
const wantsTerminal = new WeakSet<LoginShell>();
const asides: ReadonlySet<string> = new Set(['sudo', 'password']);
const maxLineBytes = 128 * 1024;
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

/** Starts the line and goes through what comes before the command: noise of login shells, sudo, the environment. */
async function open(
	shell: LoginShell,
	request: WrapRequest,
	lines: readonly string[],
	options: SpawnOptions,
	sudo: SudoOptions,
): Promise<Opened> {
	const beside = wantsTerminal.has(shell);
	const line = beside ? wrapLineWithTerminal(request) : wrapLine(request);
	if (Buffer.byteLength(line) >= maxLineBytes) {
		throw new HostError(
			shell.host,
			'ERR_COMMAND_INVALID',
			`The command line has ${Buffer.byteLength(line)} bytes, and no Linux takes more than ${maxLineBytes}`,
			{hint: 'Send large values over stdin.'},
		);
	}
	// From the start on the host has to be told of an abort; until then closing is all there is to do.
	const {signal} = options;
	signal?.throwIfAborted();
	const starting = new AbortController();
	const giveUp = (): void => starting.abort(signal?.reason);
	signal?.addEventListener('abort', giveUp, {once: true});
	let started: ShellProcess | undefined;
	try {
		started = await shell.start(line, {signal: starting.signal, terminal: options.terminal});
		const process = started;
		starting.signal.addEventListener('abort', () => process.close(), {once: true});
		const sendLines = (): void => {
			if (lines.length > 0) process.stdin.write(`${lines.join('\n')}\n`);
		};
		if (!request.root && !request.terminal) sendLines();
		const group = await answer(shell, process, request, sudo, beside);
		if (request.root || request.terminal) sendLines();
		return {started, group};
	} catch (error) {
		started?.close();
		signal?.throwIfAborted();
		throw error;
	} finally {
		signal?.removeEventListener('abort', giveUp);
	}
}

/** Reads up to the mark on both outputs and answers sudo meanwhile. Resolves with the process group. */
async function answer(
	shell: LoginShell,
	started: ShellProcess,
	{mark, terminal}: WrapRequest,
	{password}: SudoOptions,
	beside: boolean,
): Promise<number> {
	let prompts = 0;
	let reachedSudo = false;
	const onAside = (word: string): void => {
		reachedSudo = true;
		if (word !== 'password') return;
		prompts++;
		if (prompts === 1 && password !== undefined) started.stdin.write(`${password.reveal()}\n`);
		else started.stdin.end();
	};
	started.stdin.on('error', ignore);
	const watch = (stream: Readable): ReturnType<typeof readMark> => readMark(stream, mark, asides, onAside);
	const [out, err] = await Promise.all([watch(started.stdout), terminal ? undefined : watch(started.stderr)]);
	const words = (err ?? out).words;
	if (words?.[0] === 'start' && (terminal || out.words !== undefined)) {
		const group = Number(words[1]);
		if (Number.isSafeInteger(group) && group > 1) return group;
	}
	const status = await endOf(started);
	const before = scrub(`${out.text}\n${err?.text ?? ''}`, password);
	if (words !== undefined || reachedSudo) {
		throw sudoError(shell.host, {
			reason: words?.[0],
			text: before,
			prompts,
			hasPassword: password !== undefined,
			beside,
		});
	}
	throw shellError(shell.host, before, status);
}

/** How the shell ended that never got to the command. Waits no longer than a process needs that has lost its input. */
async function endOf(started: ShellProcess): Promise<ExitStatus> {
	started.stdin.end();
	started.stdout.resume();
	started.stderr.resume();
	const timer = setTimeout(() => started.close(), endTimeoutMs);
	try {
		return await started.exit;
	} finally {
		clearTimeout(timer);
	}
}

function scrub(text: string, password: Secret | undefined): string {
	const secret = password?.reveal() ?? '';
	return secret === '' ? text : text.replaceAll(secret, '[secret]');
}

function remoteProcess(shell: LoginShell, opened: Opened, options: SpawnOptions, sudo: SudoOptions): RemoteProcess {
	const {started, group} = opened;
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
