import {type ChildProcess, spawn} from 'node:child_process';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {StringDecoder} from 'node:string_decoder';
import {emit, type OperationOptions} from '../../core/events.js';
import {containerName, lastMessage, type Runtime, runtimeEnv} from './runtime.js';

export interface ContainerOptions extends OperationOptions {
	/** The step that output events belong to. */
	readonly id: string;
	/** An empty folder for the bundle and the runtime's state. */
	readonly bundleDir: string;
	/** A folder of secrets, to be removed even when this process is killed. */
	readonly secretDir: string;
	/** Resolves when output that was passed on is taken; default at once. */
	readonly taken?: (() => Promise<void>) | undefined;
}

export interface ContainerResult {
	readonly exitCode: number;
	/** The last lines of both streams. */
	readonly tail: readonly string[];
	/** Set when the runtime itself failed, mostly before the command began. */
	readonly runtimeError?: string;
}

/**
 * Runs a container to its end. When this returns or throws, no process and no mount of it is left.
 * @throws the reason of `options.signal`
 */
export async function runContainer(
	runtime: Runtime,
	config: object,
	options: ContainerOptions,
): Promise<ContainerResult> {
	options.signal?.throwIfAborted();
	const {bundleDir} = options;
	await writeFile(join(bundleDir, 'config.json'), JSON.stringify(config));
	const log = join(bundleDir, 'log');
	const common = [...runtime.globalArgs, '--root', join(bundleDir, 'state')];
	const name = containerName(bundleDir);
	const child = spawn(
		runtime.path,
		[...common, '--log', log, '--log-format', 'json', 'run', '--bundle', bundleDir, name],
		// A session of its own: a Ctrl-C at the terminal is ours to pass on, as an abort.
		{stdio: ['ignore', 'pipe', 'pipe'], env: runtimeEnv(bundleDir), cwd: bundleDir, detached: true},
	);
	const guard = startGuard([runtime.path, ...common, 'delete', '--force', name], options.secretDir);
	const tail = collectOutput(child, options);
	const ended = new Promise<number>(resolve => {
		child.on('error', () => resolve(-1));
		child.on('close', (code, signal) => resolve(code ?? (signal === null ? -1 : 137)));
	});
	const remove = (): Promise<void> => deleteContainer(runtime, [...common, 'delete', '--force', name], bundleDir);
	// A container that is just being made cannot be deleted yet, so the wish is repeated until the runtime is gone.
	let killing: Promise<void> | undefined;
	const kill = (): void => {
		killing ??= (async () => {
			for (let tries = 0; child.exitCode === null && child.signalCode === null; tries++) {
				await remove();
				await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 100))]);
				if (tries === 50) child.kill('SIGKILL');
			}
		})();
	};
	options.signal?.addEventListener('abort', kill, {once: true});
	try {
		if (options.signal?.aborted === true) kill();
		const exitCode = await ended;
		await killing;
		await remove();
		options.signal?.throwIfAborted();
		const runtimeError = exitCode === 0 ? undefined : lastMessage(await readFile(log, 'utf8').catch(() => ''));
		return {exitCode, tail: tail(), ...(runtimeError === undefined ? {} : {runtimeError})};
	} finally {
		options.signal?.removeEventListener('abort', kill);
		guard.stdin?.end('done\n');
	}
}

/**
 * A container outlives the process that started it. This one waits for the end of a pipe that only we hold, and removes
 * the container and its secrets when it ends without a word: then this process was killed.
 */
function startGuard(removal: readonly string[], secretDir: string): ChildProcess {
	const script = 'read -r _ && exit; secrets=$1; shift; "$@"; rm -rf -- "$secrets"';
	const guard = spawn('/bin/sh', ['-c', script, 'sh', secretDir, ...removal], {
		stdio: ['pipe', 'ignore', 'ignore'],
		env: runtimeEnv('/'),
		cwd: '/',
		detached: true,
	});
	guard.on('error', () => undefined);
	guard.stdin?.on('error', () => undefined);
	guard.unref();
	return guard;
}

/** `delete --force` kills what runs and succeeds where there is nothing. */
async function deleteContainer(runtime: Runtime, args: readonly string[], bundleDir: string): Promise<void> {
	await new Promise<void>(resolve => {
		const child = spawn(runtime.path, args, {stdio: 'ignore', env: runtimeEnv(bundleDir), timeout: 30_000});
		child.on('error', () => resolve());
		child.on('close', () => resolve());
	});
}

const tailLines = 20;
const tailBytes = 16_384;

/** Passes output on as it comes and keeps the end of it. */
function collectOutput(child: ChildProcess, options: ContainerOptions): () => readonly string[] {
	const tails = {stdout: '', stderr: ''};
	for (const stream of ['stdout', 'stderr'] as const) {
		const decoder = new StringDecoder('utf8');
		const take = (text: string): void => {
			if (text === '') return;
			tails[stream] = (tails[stream] + text).slice(-tailBytes);
			emit(options, {type: 'command.output', id: options.id, stream, text});
		};
		child[stream]?.on('data', (chunk: Buffer) => {
			take(decoder.write(chunk));
			if (options.taken === undefined) return;
			child[stream]?.pause();
			void options.taken().finally(() => child[stream]?.resume());
		});
		child[stream]?.on('end', () => take(decoder.end()));
	}
	return () => {
		const text = tails.stderr.trim() === '' ? tails.stdout : tails.stderr;
		return text.trimEnd().split('\n').slice(-tailLines);
	};
}
