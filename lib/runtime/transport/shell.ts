import type {Readable, Writable} from 'node:stream';
import type {Abortable} from '../../core/events.js';
import type {ExitStatus, Terminal} from './transport.js';

/**
 * The login shell of a host, however it is reached (SSH, this machine): it takes one line of text, as sshd does. What makes a
 * `RemoteProcess` of it (quoting, environment, sudo, process groups) is in wrap.ts and the same for all.
 */
export interface LoginShell {
	/** The host's name in reports. */
	readonly host: string;
	/** Who logs in; undefined when only the far side knows. */
	readonly user: string | undefined;
	/** How long a command may take to begin, with all that comes before it: profiles, sudo. Default two minutes, as long as sshd waits for a login. */
	readonly startTimeoutMs?: number | undefined;
	/**
	 * Hands one command line to the shell, with its bytes as they are. Resolves when the far side has started it.
	 * An abort closes the channel; what runs at the far end is not told.
	 * @throws HostError when there is no way to the host
	 */
	start(commandLine: string, options?: StartOptions): Promise<ShellProcess>;
}

export interface StartOptions extends Abortable {
	readonly terminal?: Terminal | undefined;
	/** It ends another command: it must not wait until one of those ends by itself, so a channel is kept back for such. */
	readonly urgent?: boolean | undefined;
}

/** A running command line. */
export interface ShellProcess {
	readonly stdin: Writable;
	readonly stdout: Readable;
	/** Ends at once when there is a terminal. */
	readonly stderr: Readable;
	/** Settles once both outputs are closed by the far side; rejects with HostError when the connection is lost before. */
	readonly exit: Promise<ExitStatus>;
	/** Closes the channel: the far side sees end of input and broken pipes. Safe to call at any time. */
	close(): void;
	/** Tells the new size of the terminal. */
	resize(columns: number, rows: number): void;
}
