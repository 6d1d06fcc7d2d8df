import type {Readable} from 'node:stream';
import type {ErrorReport} from '../../core/errors.js';

/**
 * What the operator and `sealimage-agent session` say to each other, one JSON document a line: requests on the agent's stdin,
 * replies on its stdout. Many requests may run at once. When stdin ends, for whatever reason, the agent aborts what runs,
 * closes what listens and exits: nothing outlives the operator's connection.
 */
export type AgentRequest =
	| {readonly id: number; readonly verb: string; readonly params: unknown}
	/** Aborts a running request; it answers with ERR_ABORTED. */
	| {readonly id: number; readonly cancel: true};

/** Any number of events, then one result or one error. */
export type AgentReply =
	/** The first line: which agent this is, so that an operator never talks to one it does not understand. */
	| {readonly hello: AgentIdentity}
	| {readonly id: number; readonly event: unknown}
	| {readonly id: number; readonly result: unknown}
	| {readonly id: number; readonly error: ErrorReport};

export interface AgentIdentity {
	/** Raised when a verb or its meaning changes. */
	readonly protocol: number;
	/** The version of sealimage that the agent was built from. */
	readonly version: string;
	/** `linux/amd64`. */
	readonly platform: string;
}

/** A connection to an agent. `call` rejects with the agent's own error (code, hint and cause kept, host added). */
export interface AgentConnection extends AsyncDisposable {
	readonly host: string;
	readonly identity: AgentIdentity;
	call(
		verb: string,
		params: unknown,
		options?: {readonly signal?: AbortSignal | undefined; readonly onEvent?: (event: unknown) => void},
	): Promise<unknown>;
	close(): Promise<void>;
}

/** One verb of the agent. `sealimage-agent VERB` runs it once with its params from stdin; `session` runs many. */
export interface AgentVerb<P = unknown, R = unknown> {
	readonly name: string;
	/** Checks what came over the wire. @throws SealError ERR_USAGE */
	parse(params: unknown): P;
	run(params: P, context: AgentContext): Promise<R>;
}

export interface AgentContext {
	readonly signal: AbortSignal;
	/** Sends an event line of this request. */
	event(event: unknown): void;
	/** The content store's folder, `/var/lib/sealimage`. */
	readonly root: string;
	/** What lives as long as the session (a relay that listens): closed in reverse order when it ends. */
	defer(close: () => Promise<void>): void;
	/** The same object for all requests of one session and another one for each session: a key for what verbs share. */
	readonly session: object;
	/** When the verb runs alone: what follows the line of params on stdin, as raw bytes. Absent in a session. */
	readonly input?: Readable | undefined;
}
