import type {Readable, Writable} from 'node:stream';
import type {Abortable} from '../../core/events.js';

/**
 * A way to run commands on one host: over SSH, on this machine, or on a scripted host in tests. It does one thing, start a
 * process; everything else (collecting output, files, the agent) is built on that, so each works over every transport.
 */
export interface Transport extends AsyncDisposable {
	/** The host's name in reports. */
	readonly host: string;
	/**
	 * Starts a command. Resolves once the far side has accepted it; a command that does not exist ends with exit code 127, as in a shell.
	 * Calls beyond what the server allows at once wait for their turn.
	 * @throws HostError (host/error.ts) when the host cannot be reached, refuses the login, or does not let the user become root
	 */
	spawn(argv: readonly string[], options?: SpawnOptions): Promise<RemoteProcess>;
	/** Ends what is still running and closes the connection. Safe to call twice. */
	close(): Promise<void>;
}

export interface SpawnOptions extends Abortable {
	/** Goes over as data: it is in no command line that others on the host can read. Names are `[A-Za-z_][A-Za-z0-9_]*`. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** Default: the home of the user that the command runs as. */
	readonly cwd?: string | undefined;
	/** `root` (the default), through sudo when the login is another user; `login`: whoever logged in. */
	readonly as?: 'root' | 'login' | undefined;
	/** Give the command a terminal of this size: stdout and stderr are then one stream. For interactive use only. */
	readonly terminal?: Terminal | undefined;
}

export interface Terminal {
	/** The value of TERM. */
	readonly type: string;
	readonly columns: number;
	readonly rows: number;
}

/** Aborting the signal of `spawn` stops the process on the host and everything it started in its process group. */
export interface RemoteProcess {
	/** Back-pressure reaches the far side. End it, or the command waits for more. */
	readonly stdin: Writable;
	/** Byte-exact; must be read, or the command stops at a full pipe. */
	readonly stdout: Readable;
	readonly stderr: Readable;
	/** How it ended. Rejects with HostError when the connection is lost before that is known, with `signal.reason` when aborted. */
	readonly exit: Promise<ExitStatus>;
	/** Sends a signal to the command's process group. */
	kill(signal: RemoteSignal): Promise<void>;
	/** For a command with a terminal; without one it does nothing. */
	resize(columns: number, rows: number): void;
}

export type RemoteSignal = 'HUP' | 'INT' | 'QUIT' | 'TERM' | 'KILL' | 'USR1' | 'USR2';

/** Exactly one of the two is there. Signal names are without SIG. */
export interface ExitStatus {
	readonly code?: number;
	readonly signal?: string;
}

/** A rare power, found by `isForwarder`: a connection from the host to a third address. */
export interface Forwarder {
	forward(address: string, port: number, options?: Abortable): Promise<import('node:stream').Duplex>;
}

export function isForwarder(transport: object): transport is Forwarder {
	return 'forward' in transport && typeof transport.forward === 'function';
}

/** Makes the transport of a host; nothing is connected before the first command. */
export type OpenTransport = (target: import('../host/target.js').HostTarget) => Transport;
