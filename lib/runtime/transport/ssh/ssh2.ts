import type {Duplex, Readable} from 'node:stream';
import type {
	Algorithms,
	AnyAuthMethod,
	AuthenticationType,
	Client,
	ClientChannel,
	ConnectConfig,
	ParsedKey,
	ServerHostKeyAlgorithm,
} from 'ssh2';
import type {Abortable} from '../../../core/events.js';
import type {Terminal} from '../transport.js';
import {guardStream, SilenceError} from './guard.js';
import {tamed} from './printable.js';

export type {ClientChannel} from 'ssh2';

/** A key as ssh2 parsed it: the private half of an identity, or the public half that an agent tells. */
export type SshKey = ParsedKey;

/** One way to log in. An agent signs with the one key that is named. */
export type LoginStep =
	| {readonly method: 'none'}
	| {readonly method: 'publickey'; readonly key: SshKey}
	| {readonly method: 'agent'; readonly socket: string; readonly key: SshKey}
	| {readonly method: 'password'; readonly password: string}
	| {readonly method: 'keyboard-interactive'; readonly answer: (prompts: readonly Prompt[]) => readonly string[]};

export interface Prompt {
	readonly prompt: string;
	readonly echo?: boolean;
}

export interface HandshakeOptions extends Abortable {
	/** Connected already. The session owns it from now on. */
	readonly stream: Duplex;
	readonly user: string;
	/** In order of preference, of `hostKeyTypes`. */
	readonly hostKeyTypes: readonly string[];
	/** Asked in the first and in each later key exchange of the connection, with the key in its wire form. */
	readonly acceptHostKey: (key: Buffer) => boolean;
	/** Gives the next way to log in; undefined when there is no more. `accepted` is unknown before the first answer. */
	readonly nextStep: (accepted: readonly string[] | undefined) => LoginStep | undefined;
	/** Until the login is done. */
	readonly timeoutMs: number;
	/** A connection that brings nothing for so long, asked three times in between, is closed. */
	readonly silenceMs: number;
}

/** A connection that is logged in. */
export interface SshSession {
	/**
	 * Starts a command line. `adopt` is called at once with the channel: what the host sends with its answer is already on
	 * its way. Rejects with an error that `isRefusal` knows when the host has no place for one more.
	 */
	exec<T>(commandLine: string, terminal: Terminal | undefined, adopt: (channel: ClientChannel) => T): Promise<T>;
	/** A stream to an address as the host sees it. */
	forward(address: string, port: number): Promise<Duplex>;
	/** Calls back once, when the connection has ended, with what broke it if anything did. Returns what takes it back. */
	onEnd(listener: (error: Error | undefined) => void): () => void;
	/** Says goodbye; who does not answer is cut off. */
	end(): void;
}

/** The types of host keys that can be checked, in order of preference. */
export const hostKeyTypes: readonly string[] = [
	'ssh-ed25519',
	'ecdsa-sha2-nistp256',
	'ecdsa-sha2-nistp384',
	'ecdsa-sha2-nistp521',
	'rsa-sha2-512',
	'rsa-sha2-256',
];

/** Does key exchange and login. Rejects with the error of ssh2, of the guard, or PasswordExpired; the stream is then closed. */
export async function handshake(options: HandshakeOptions): Promise<SshSession> {
	const {stream} = options;
	stream.on('error', () => undefined);
	const {Client, OpenSSHAgent} = await load();
	const client = new Client();
	const ending = watchEnd(client, stream);
	const channels = new Set<ClientChannel>();
	const onAbort = (): void => ending.end(options.signal?.reason as Error);
	options.signal?.addEventListener('abort', onAbort, {once: true});
	return await new Promise<SshSession>((resolve, reject) => {
		ending.onEnd(error => reject(error ?? new Error('The connection was closed')));
		let verified = false;
		const config: ConnectConfig = {
			sock: stream as Duplex & Readable,
			username: options.user,
			ident: 'sealimage',
			readyTimeout: options.timeoutMs,
			keepaliveInterval: Math.ceil(options.silenceMs / 4),
			// Every byte is a sign of life, not only the answers to these questions: the guard decides.
			keepaliveCountMax: Number.POSITIVE_INFINITY,
			algorithms: algorithms(options.hostKeyTypes),
			hostVerifier: (key: Buffer): boolean => {
				verified = options.acceptHostKey(key);
				return verified;
			},
			authHandler: (accepted: AuthenticationType[] | null, _partial, next) => {
				const step = options.nextStep(accepted ?? undefined);
				next(step === undefined ? (false as unknown as AuthenticationType) : authOf(options.user, step, OpenSSHAgent));
			},
		};
		try {
			client.connect(config);
		} catch (error) {
			ending.end(error as Error);
			return;
		}
		const unreadBytes = (): number =>
			Math.max(0, ...[...channels].map(channel => channel.readableLength + channel.stderr.readableLength));
		const guard = guardStream(stream, {silenceMs: options.silenceMs, unreadBytes, fail: ending.end});
		ending.onEnd(guard.stop);
		client.once('change password', () => ending.end(new PasswordExpired()));
		client.once('ready', () => {
			// Whatever a state machine can be talked into: who was not checked is not logged in to.
			if (!verified) ending.end(new Error('Login without a key exchange'));
			guard.loggedIn();
			resolve(sessionOf(client, ending, channels, options.silenceMs));
		});
		if (options.signal?.aborted === true) onAbort();
		else if (stream.destroyed) ending.end();
	}).finally(() => options.signal?.removeEventListener('abort', onAbort));
}

/** The login ended because the host wants a new password first. */
export class PasswordExpired extends Error {}

/** True when the host answered "no" to one more channel, and is fine otherwise. */
export function isRefusal(error: unknown): boolean {
	return error instanceof Error && typeof (error as {reason?: unknown}).reason === 'number';
}

/** Parses a key in the formats of OpenSSH and PEM (PKCS#1, SEC1), or says what is wrong with it. */
export async function parseSshKey(text: string, passphrase?: string): Promise<SshKey | Error> {
	const {utils} = await load();
	try {
		const parsed: SshKey | Error | readonly SshKey[] = utils.parseKey(text, passphrase);
		return Array.isArray(parsed) ? (parsed[0] as SshKey) : (parsed as SshKey | Error);
	} catch (error) {
		return error instanceof Error ? error : new Error(String(error));
	}
}

/** The keys that an agent holds. Rejects when there is none to talk to, or after five seconds. */
export async function agentKeys(socket: string): Promise<readonly SshKey[]> {
	const {OpenSSHAgent} = await load();
	return await new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error('The agent does not answer')), 5000);
		new OpenSSHAgent(socket).getIdentities((error, keys) => {
			clearTimeout(timer);
			if (error === undefined || error === null) resolve((keys ?? []) as readonly SshKey[]);
			else reject(error);
		});
	});
}

/** It takes a tenth of a second, which commands without SSH need not wait for. */
async function load(): Promise<typeof import('ssh2')> {
	return (await import('ssh2')).default as unknown as typeof import('ssh2');
}

/**
 * The rest is as ssh2 has it: AES-GCM first where the processor has AES, and only what this Node can do. No compression: a hostile
 * host could send bombs. Nothing with SHA-1: no host that can run Kubernetes needs it.
 */
function algorithms(hostKeys: readonly string[]): Algorithms {
	return {
		serverHostKey: hostKeys as ServerHostKeyAlgorithm[],
		hmac: {append: [], prepend: [], remove: ['hmac-sha1-etm@openssh.com', 'hmac-sha1']},
		compress: ['none'],
	};
}

function authOf(user: string, step: LoginStep, Agent: typeof import('ssh2').OpenSSHAgent): AnyAuthMethod {
	switch (step.method) {
		case 'none':
			return {type: 'none', username: user};
		case 'publickey':
			return {type: 'publickey', username: user, key: step.key};
		case 'agent': {
			const agent = new Agent(step.socket);
			agent.getIdentities = callback => callback(undefined, [step.key]);
			return {type: 'agent', username: user, agent};
		}
		case 'password':
			return {type: 'password', username: user, password: step.password};
		case 'keyboard-interactive':
			return {
				type: 'keyboard-interactive',
				username: user,
				prompt: (_name, _instructions, _language, prompts, finish) => finish([...step.answer(prompts)]),
			};
	}
}

interface Ending {
	end(error?: Error): void;
	/** The listener is called at once when the end was before. Returns what takes it back. */
	onEnd(listener: (error: Error | undefined) => void): () => void;
}

/**
 * The end of a connection is told by an error, by the end of the stream, or by its closing, whichever comes first: a stream
 * through a dead jump host never closes.
 */
function watchEnd(client: Client, stream: Duplex): Ending {
	let ended: {readonly error: Error | undefined} | undefined;
	const listeners = new Set<(error: Error | undefined) => void>();
	const end = (error?: Error): void => {
		if (ended !== undefined) return;
		ended = {error};
		stream.destroy();
		for (const listener of listeners) listener(error);
		listeners.clear();
	};
	client.on('error', error => {
		// A key that the agent does not sign with is one way less, not the end.
		if (error.level !== 'agent') end(tamed(error));
	});
	client.on('end', () => end());
	client.on('close', () => end());
	return {
		end,
		onEnd(listener) {
			if (ended === undefined) listeners.add(listener);
			else listener(ended.error);
			return () => listeners.delete(listener);
		},
	};
}

function sessionOf(client: Client, ending: Ending, channels: Set<ClientChannel>, silenceMs: number): SshSession {
	/** ssh2 does not call back when a stream ends that never closes, and throws when it has closed. */
	const ask = async <T>(question: (done: (error: Error | null | undefined, answer: T) => void) => void): Promise<T> => {
		let forget = (): void => undefined;
		try {
			return await new Promise<T>((resolve, reject) => {
				forget = ending.onEnd(error => reject(error ?? new Error('The connection was closed')));
				question((error, answer) => (error instanceof Error ? reject(tamed(error)) : resolve(answer)));
			});
		} finally {
			forget();
		}
	};
	const keep = (channel: ClientChannel): void => {
		channels.add(channel);
		channel.once('close', () => channels.delete(channel));
	};
	return {
		exec: (commandLine, terminal, adopt) => {
			let isLate = false;
			let timer: NodeJS.Timeout | undefined;
			const asked = ask<ReturnType<typeof adopt>>(done => {
				// A host may answer everything else, so that the guard hears it.
				timer = setTimeout(() => {
					isLate = true;
					done(new SilenceError(), undefined as never);
				}, silenceMs);
				const pty = terminal && {term: terminal.type, cols: terminal.columns, rows: terminal.rows, width: 0, height: 0};
				client.exec(commandLine, pty === undefined ? {} : {pty}, (error, channel) => {
					if (error instanceof Error) return done(error, undefined as never);
					if (isLate) {
						channel.on('error', () => undefined).close();
						return;
					}
					keep(channel);
					done(undefined, adopt(channel));
				});
			});
			return asked.finally(() => clearTimeout(timer));
		},
		forward: (address, port) =>
			ask(done => {
				client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
					if (error === undefined || error === null) keep(channel);
					done(error, channel);
				});
			}),
		onEnd: ending.onEnd,
		end() {
			client.end();
			setTimeout(() => ending.end(), 1000).unref();
		},
	};
}
