import type {Observable} from '../../../core/events.js';
import type {Secret} from '../../../core/secret.js';

/** `accept-new` (default) records the key of a host that nothing is known of; `strict` refuses it; `off` checks nothing but revocations. */
export type HostKeyPolicy = 'accept-new' | 'strict' | 'off';

/** How this machine reaches hosts over SSH. Time-outs count per attempt. */
export interface OpenTransportOptions extends Observable {
	/** Who asks: the defaults of user, keys and files hang on it. */
	readonly operator: Operator;
	/** Overrides what ~/.ssh/config says. */
	readonly hostKey?: HostKeyPolicy | undefined;
	/** Instead of `~/.ssh/config` and `/etc/ssh/ssh_config`, in this order; an empty list for none. */
	readonly configFiles?: readonly string[] | undefined;
	/** Instead of `~/.ssh/known_hosts`; new keys go to the first. */
	readonly knownHostsFiles?: readonly string[] | undefined;
	/** For jump hosts that take nothing but a password. That of a host is never shown to its jump hosts. */
	readonly jumpPassword?: Secret | undefined;
	/** Until the login is done, jump hosts included; default 15 s each. */
	readonly connectTimeoutMs?: number | undefined;
	/** A connection that says nothing for so long, asked several times, is dead; default 30 s. */
	readonly silenceTimeoutMs?: number | undefined;
}

/** The person at this machine, as the command line found it. */
export interface Operator {
	/** The login name. */
	readonly user: string;
	readonly home: string;
	/** The value of SSH_AUTH_SOCK, if any. */
	readonly agent?: string | undefined;
}
