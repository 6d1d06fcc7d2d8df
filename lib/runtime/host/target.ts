import type {Secret} from '../../core/secret.js';

/** A machine that commands and content go to, as the user named it, with what is needed to log in. */
export interface HostTarget {
	/** How reports call it: what the user wrote, without user and port. Unique within one run. */
	readonly name: string;
	/** A name, an IPv4 or IPv6 address (no brackets), or an alias of ~/.ssh/config. `local` is this machine. */
	readonly address: string;
	/** `master`, `node`, `registry` and whatever a Clusterfile says; in the order written. */
	readonly roles: readonly string[];
	readonly login: HostLogin;
}

/** What is absent comes from ~/.ssh/config, then from the defaults of OpenSSH. */
export interface HostLogin {
	readonly user?: string | undefined;
	readonly port?: number | undefined;
	readonly password?: Secret | undefined;
	readonly identities?: readonly Identity[] | undefined;
	/** For every encrypted identity that has none of its own. */
	readonly passphrase?: Secret | undefined;
	/** The socket of an SSH agent; false for none even if the environment names one. */
	readonly agent?: string | false | undefined;
	/** Hops in the order they are taken: `[user@]host[:port]`, or aliases. */
	readonly jumps?: readonly string[] | undefined;
	/** Asked for by sudo when the user is not root; the login password when absent. */
	readonly sudoPassword?: Secret | undefined;
}

/** A private key: a file, or its text. */
export type Identity =
	| {readonly file: string; readonly passphrase?: Secret | undefined}
	| {readonly key: Secret; readonly passphrase?: Secret | undefined};
