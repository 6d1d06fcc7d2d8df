import {setTimeout as sleep} from 'node:timers/promises';
import {HostError} from '../../host/error.js';
import type {ExitStatus, OpenTransport, RemoteProcess, SpawnOptions, Transport} from '../transport.js';
import {type FakeAnswer, type FakePattern, type FakeReply, matches} from './answer.js';
import {runCommand} from './commands.js';
import {type FakeFile, FakeFiles} from './files.js';
import {createFakeProcess, type FakeProgram} from './process.js';
import {runTransfer} from './transfer.js';

export interface FakeHostOptions {
	/** Default `fake`. */
	readonly name?: string | undefined;
	/** Files by absolute path. */
	readonly files?: Readonly<Record<string, FakeFile>> | undefined;
	/** What systemctl(1) knows, by name; `.service` may be left out. */
	readonly units?: Readonly<Record<string, FakeUnit>> | undefined;
	/** Versions of installed packages by name. */
	readonly packages?: Readonly<Record<string, string>> | undefined;
	/** What uname(1) says of the machine; default `x86_64`. */
	readonly machine?: string | undefined;
}

export interface FakeUnit {
	readonly active?: boolean | undefined;
	readonly enabled?: boolean | undefined;
	/** Starting it fails. */
	readonly broken?: boolean | undefined;
}

/** A command that a fake host was given. */
export interface FakeCall {
	readonly argv: readonly string[];
	readonly env: Readonly<Record<string, string>>;
	readonly cwd: string | undefined;
	readonly as: 'root' | 'login';
	/** How it ended; undefined while it runs, and when its caller stopped it or the connection was lost. */
	readonly status: ExitStatus | undefined;
	/** All of its stdin. Rejects when the command is stopped before that has ended. */
	readInput(): Promise<Buffer>;
	/** Aborted when the command is stopped. */
	readonly ended: AbortSignal;
}

/** A host that is only played: answers as it was told to, keeps files, units and packages in memory, and fails on demand. */
export interface FakeHost {
	readonly name: string;
	readonly machine: string;
	readonly transport: Transport;
	readonly files: FakeFiles;
	readonly units: Map<string, FakeUnit>;
	readonly packages: Map<string, string>;
	/** Every command so far, in order. */
	readonly calls: readonly FakeCall[];
	/** How many commands ran at once at most. */
	readonly mostAtOnce: number;
	/** Each command takes this long before it does anything. */
	delayMs: number;
	/** Answers commands. What was added last is asked first; commands that nothing answers are run by the host itself. */
	on(pattern: FakePattern, answer: FakeAnswer): this;
	/** As `on`, for one command only. */
	once(pattern: FakePattern, answer: FakeAnswer): this;
	/** The connection of everything that runs is lost, and the host cannot be reached until `up`. Files stay. */
	down(): void;
	up(): void;
	/** The connection of the next command that reads as many bytes of its stdin is lost then. */
	cutInputAfter(sizeBytes: number): void;
}

/** Makes a host for tests. Nothing real is touched: no process, no network, no disk. */
export function createFakeHost(options: FakeHostOptions = {}): FakeHost {
	return new PlayedHost(options);
}

/** What opens hosts in tests instead of `openTransport`: by the name or the address of the target. */
export function openFakeHosts(hosts: Iterable<FakeHost>): OpenTransport {
	const known = new Map([...hosts].map(host => [host.name, host]));
	return target => {
		const host = known.get(target.name) ?? known.get(target.address);
		if (host !== undefined) return host.transport;
		const absent = createFakeHost({name: target.name});
		absent.down();
		return absent.transport;
	};
}

class PlayedHost implements FakeHost {
	readonly name: string;
	readonly machine: string;
	readonly files: FakeFiles;
	readonly units = new Map<string, FakeUnit>();
	readonly packages: Map<string, string>;
	readonly calls: FakeCall[] = [];
	readonly transport: Transport;
	mostAtOnce = 0;
	delayMs = 0;
	readonly #answers: {readonly pattern: FakePattern; readonly answer: FakeAnswer; readonly once: boolean}[] = [];
	readonly #running = new Set<FakeProgram>();
	readonly #closing = new AbortController();
	#isDown = false;
	#cut: number | undefined;

	constructor({name = 'fake', machine = 'x86_64', files, units = {}, packages = {}}: FakeHostOptions) {
		this.name = name;
		this.machine = machine;
		this.files = new FakeFiles(files);
		for (const [unit, state] of Object.entries(units)) this.units.set(unit.replace(/\.service$/, ''), state);
		this.packages = new Map(Object.entries(packages));
		const close = async (): Promise<void> => this.#closing.abort(new Error('The transport was closed'));
		this.transport = {
			host: name,
			spawn: (argv, spawnOptions) => this.#spawn(argv, spawnOptions),
			close,
			[Symbol.asyncDispose]: close,
		};
	}

	on(pattern: FakePattern, answer: FakeAnswer): this {
		this.#answers.unshift({pattern, answer, once: false});
		return this;
	}

	once(pattern: FakePattern, answer: FakeAnswer): this {
		this.#answers.unshift({pattern, answer, once: true});
		return this;
	}

	down(): void {
		this.#isDown = true;
		for (const program of this.#running) program.lose();
	}

	up(): void {
		this.#isDown = false;
	}

	cutInputAfter(sizeBytes: number): void {
		this.#cut = sizeBytes;
	}

	async #spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<RemoteProcess> {
		if (argv.length === 0 || argv.some(word => word.includes('\0'))) throw new TypeError('This is no command');
		options.signal?.throwIfAborted();
		this.#closing.signal.throwIfAborted();
		if (this.#isDown) {
			throw new HostError(this.name, 'ERR_HOST_UNREACHABLE', 'The host cannot be reached: it is down', {
				hint: 'Start it.',
			});
		}
		const signals = [options.signal, this.#closing.signal].filter(signal => signal !== undefined);
		const {remote, program} = createFakeProcess(this.name, {signal: AbortSignal.any(signals)});
		const call = createCall(argv, options, program, () => this.#takeInput(program));
		this.calls.push(call);
		this.#running.add(program);
		this.mostAtOnce = Math.max(this.mostAtOnce, this.#running.size);
		const forget = (status?: ExitStatus): void => {
			this.#running.delete(program);
			(call as {status: ExitStatus | undefined}).status = status;
		};
		remote.exit.then(forget, () => forget());
		program.rest = this.#run(call, program).catch((error: unknown) => {
			if (!program.ended.aborted) program.stderr.write(`fake host: ${String(error)}\n`);
			program.exit({code: 126});
		});
		return remote;
	}

	async #run(call: FakeCall, program: FakeProgram): Promise<void> {
		if (this.delayMs > 0) await sleep(this.delayMs, undefined, {signal: program.ended});
		const reply =
			(await this.#answer(call)) ?? (await runTransfer(this, call, program, () => this.#takeInput(program)));
		await perform(reply ?? (await runCommand(this, call)), program);
	}

	async #answer(call: FakeCall): Promise<FakeReply | undefined> {
		for (const entry of [...this.#answers]) {
			if (!matches(entry.pattern, call)) continue;
			const given = typeof entry.answer === 'function' ? await entry.answer(call) : entry.answer;
			if (given === undefined) continue;
			const at = this.#answers.indexOf(entry);
			if (entry.once && at >= 0) this.#answers.splice(at, 1);
			return typeof given === 'string' ? {stdout: given} : given;
		}
		return undefined;
	}

	async *#takeInput(program: FakeProgram): AsyncGenerator<Buffer> {
		let taken = 0;
		for await (const chunk of program.stdin as AsyncIterable<Buffer>) {
			taken += chunk.length;
			if (this.#cut !== undefined && taken > this.#cut) {
				yield chunk.subarray(0, chunk.length - (taken - this.#cut));
				this.#cut = undefined;
				program.lose();
				return;
			}
			yield chunk;
		}
	}
}

function createCall(
	argv: readonly string[],
	{env = {}, cwd, as = 'root'}: SpawnOptions,
	program: FakeProgram,
	takeInput: () => AsyncIterable<Buffer>,
): FakeCall {
	return {
		argv: [...argv],
		env,
		cwd,
		as,
		status: undefined,
		ended: program.ended,
		async readInput() {
			const chunks: Buffer[] = [];
			for await (const chunk of takeInput()) chunks.push(chunk);
			return Buffer.concat(chunks);
		},
	};
}

async function perform(reply: FakeReply, program: FakeProgram): Promise<void> {
	const {ended} = program;
	if (reply.delayMs !== undefined) await sleep(reply.delayMs, undefined, {signal: ended});
	if (reply.stdout !== undefined) program.stdout.write(reply.stdout);
	if (reply.stderr !== undefined) program.stderr.write(reply.stderr);
	if (reply.lost === true) program.lose();
	else if (reply.hangs !== true)
		program.exit(reply.signal === undefined ? {code: reply.code ?? 0} : {signal: reply.signal});
}
