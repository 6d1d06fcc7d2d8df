import type {Readable} from 'node:stream';
import type {ErrorReport} from '../../core/errors.js';

/** Raised when the meaning of a line or of a verb changes: operator and agent must agree on it. */
export const agentProtocol = 1;
/** Of a request, and of what goes into one file of params. */
export const maxRequestBytes: number = 16 * 1024 * 1024;
/** Of a reply. Smaller: an operator listens to thousands of agents at once. */
export const maxReplyBytes: number = 4 * 1024 * 1024;
/** Requests of one session that may be under way at once. */
export const maxRequests = 256;
/** An operator that has nothing to say sends an empty line this often. */
export const keepAliveMs = 20_000;
/** An agent that has heard nothing for so long takes its operator for dead: a power cut ends no TCP connection. */
export const silenceMs = 120_000;

/**
 * What the operator and `sealimage-agent session` say to each other, one JSON document a line: requests on the agent's stdin,
 * replies on its stdout. Many requests may run at once. When stdin ends, for whatever reason, the agent aborts what runs,
 * closes what listens and exits: nothing outlives the operator's connection. Empty lines mean nothing.
 */
export type AgentRequest =
	| {readonly id: number; readonly verb: string; readonly params: unknown}
	/** Aborts a running request; it answers with ERR_ABORTED. One that has ended is no mistake: the lines crossed. */
	| {readonly id: number; readonly cancel: true};

/** Any number of events, then one result or one error. */
export type AgentReply =
	/** The first line: which agent this is, so that an operator never talks to one it does not understand. */
	| {readonly hello: AgentIdentity}
	| {readonly id: number; readonly event: unknown}
	| {readonly id: number; readonly result: unknown}
	| {readonly id: number; readonly error: ErrorReport}
	/** The last line of a session that cannot go on. */
	| {readonly fatal: ErrorReport};

export interface AgentIdentity {
	/** `agentProtocol` of the agent. */
	readonly protocol: number;
	/** The version of sealimage that the agent was built from. */
	readonly version: string;
	/** `linux/amd64`. */
	readonly platform: string;
	/** Of an installed agent: equal ids are equal bytes. */
	readonly id?: string | undefined;
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

/**
 * One verb of the agent. `sealimage-agent VERB` runs it once: the first line of stdin is its params, replies have the id 0.
 * `sealimage-agent session` runs many.
 */
export interface AgentVerb<P = unknown, R = unknown> {
	readonly name: string;
	/** Checks what came over the wire. @throws SealError ERR_USAGE */
	parse(params: unknown): P;
	run(params: P, context: AgentContext): Promise<R>;
}

export interface AgentContext {
	readonly signal: AbortSignal;
	/**
	 * Sends an event line of this request. Events are a courtesy: while the operator does not read, only the last one of each request
	 * is kept. What counts belongs into the result.
	 */
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
