import type {Readable} from 'node:stream';
import {waitFor} from '../../core/abortable.js';
import type {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {type MarkFound, readMark} from './mark.js';
import type {LoginShell, ShellProcess} from './shell.js';
import {shellError, sudoError} from './sudo.js';
import type {ExitStatus, SpawnOptions} from './transport.js';
import {type WrapRequest, wrapLine, wrapLineWithTerminal} from './wrap-script.js';

/** A command that has begun, or is about to, as soon as it has its environment. */
export interface Begun {
	readonly started: ShellProcess;
	/** The process group on the host. */
	readonly group: number;
}

export interface BeginOptions extends Pick<SpawnOptions, 'signal' | 'terminal'> {
	/** What sets the environment. */
	readonly lines: readonly string[];
	readonly password: Secret | undefined;
	/** sudo wants a terminal of its own. */
	readonly beside: boolean;
	/** Ends a process group on the host. */
	readonly end: (group: number) => Promise<void>;
}

/**
 * Starts the line and goes through what comes before the command: noise of login shells, sudo, the environment. After an abort it waits a
 * moment for the mark all the same: a command that has begun can only be ended by who knows its group. A shell that waits for something is given up.
 * @throws HostError; `signal.reason` when aborted before it has begun
 */
export async function begin(shell: LoginShell, request: WrapRequest, options: BeginOptions): Promise<Begun> {
	const {signal, terminal, lines, beside} = options;
	const line = beside ? wrapLineWithTerminal(request) : wrapLine(request);
	checkLength(shell, line);
	signal?.throwIfAborted();
	const starting = new AbortController();
	const pending = shell.start(line, {signal: starting.signal, terminal});
	const started = await waitFor(pending, {signal}).catch((error: unknown) => {
		if (signal?.aborted === true) void abandon(shell, pending, starting, request, options);
		throw error;
	});
	const {startTimeoutMs = defaultStartTimeoutMs} = shell;
	let isLate = false;
	const deadline = setTimeout(() => {
		isLate = true;
		started.close();
	}, startTimeoutMs);
	let patience: NodeJS.Timeout | undefined;
	const onAbort = (): void => {
		started.stdin.end();
		patience = setTimeout(() => started.close(), patienceMs);
	};
	signal?.addEventListener('abort', onAbort, {once: true});
	try {
		started.stdin.on('error', ignore);
		const sendLines = (): void => {
			if (lines.length > 0 && signal?.aborted !== true) started.stdin.write(`${lines.join('\n')}\n`);
		};
		const isOpen = !request.root && !request.terminal;
		if (isOpen) sendLines();
		const group = await answer(shell, started, request, options);
		if (!isOpen) sendLines();
		return {started, group};
	} catch (error) {
		started.close();
		signal?.throwIfAborted();
		throw isLate ? lateError(shell.host, startTimeoutMs, error) : error;
	} finally {
		clearTimeout(deadline);
		clearTimeout(patience);
		signal?.removeEventListener('abort', onAbort);
	}
}

const maxLineBytes = 128 * 1024;
const defaultStartTimeoutMs = 120_000;
const patienceMs = 3000;
const endTimeoutMs = 10_000;
const asides: ReadonlySet<string> = new Set(['sudo', 'password']);

function checkLength({host}: LoginShell, line: string): void {
	const sizeBytes = Buffer.byteLength(line);
	if (sizeBytes < maxLineBytes) return;
	throw new HostError(
		host,
		'ERR_COMMAND_INVALID',
		`The command line has ${sizeBytes} bytes, and no Linux takes more than ${maxLineBytes}`,
		{hint: 'Send large values over stdin.'},
	);
}

/** Nobody waits for it any more, but it may begin yet: once it has started, closing alone would not end it. */
async function abandon(
	shell: LoginShell,
	pending: Promise<ShellProcess>,
	starting: AbortController,
	request: WrapRequest,
	options: BeginOptions,
): Promise<void> {
	let started: ShellProcess | undefined;
	const timer = setTimeout(() => {
		starting.abort(options.signal?.reason);
		started?.close();
	}, patienceMs);
	try {
		started = await pending;
		started.stdin.on('error', ignore).end();
		await options.end(await answer(shell, started, request, options));
	} catch {
		// Its failure concerns nobody.
	} finally {
		clearTimeout(timer);
		started?.close();
	}
}

/** Reads up to the mark on both outputs and answers sudo meanwhile. Resolves with the process group. */
async function answer(
	shell: LoginShell,
	started: ShellProcess,
	{mark, terminal}: WrapRequest,
	{password, beside}: BeginOptions,
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
	const watch = (stream: Readable): Promise<MarkFound> => readMark(stream, mark, asides, onAside);
	const [out, err] = await Promise.all([watch(started.stdout), terminal ? undefined : watch(started.stderr)]);
	const words = (err ?? out).words;
	if (words?.[0] === 'start' && (terminal || out.words !== undefined)) {
		const group = Number(words[1]);
		if (Number.isSafeInteger(group) && group > 1) return group;
	}
	const status = await endOf(started, Math.min(endTimeoutMs, shell.startTimeoutMs ?? endTimeoutMs));
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

/** How the shell ended that never got to the command; undefined when it goes on. Waits no longer than a process needs that has lost its input. */
async function endOf(started: ShellProcess, timeoutMs: number): Promise<ExitStatus | undefined> {
	started.stdin.end();
	started.stdout.resume();
	started.stderr.resume();
	let timer: NodeJS.Timeout | undefined;
	const givenUp = new Promise<undefined>(resolve => {
		timer = setTimeout(() => {
			started.close();
			resolve(undefined);
		}, timeoutMs);
	});
	try {
		return await Promise.race([started.exit, givenUp]);
	} finally {
		clearTimeout(timer);
	}
}

function lateError(host: string, timeoutMs: number, cause: unknown): HostError {
	return new HostError(
		host,
		'ERR_HOST_SHELL',
		`The login shell did not get to the command within ${timeoutMs / 1000} s`,
		{
			hint: 'Log in by hand and see what it waits for: a question in a profile, sudo, a folder of a server that is gone.',
			cause,
		},
	);
}

function scrub(text: string, password: Secret | undefined): string {
	const secret = password?.reveal() ?? '';
	return secret === '' ? text : text.replaceAll(secret, '[secret]');
}

function ignore(): void {
	// A process that does not read its input is no failure.
}
