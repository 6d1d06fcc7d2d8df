import type {FakeCall} from './host.js';

/** Which commands are meant: by the program's name, by their first words, by all their words in one line, or by anything. */
export type FakePattern = string | readonly string[] | RegExp | ((call: FakeCall) => boolean);

/** What a command does. */
export interface FakeReply {
	readonly stdout?: string | Uint8Array | undefined;
	readonly stderr?: string | Uint8Array | undefined;
	/** Default 0. */
	readonly code?: number | undefined;
	/** It is ended by this signal, without SIG. */
	readonly signal?: string | undefined;
	/** It takes this long. */
	readonly delayMs?: number | undefined;
	/** It writes its output and then does not end until it is stopped. */
	readonly hangs?: boolean | undefined;
	/** The connection is lost instead of an end. */
	readonly lost?: boolean | undefined;
}

/** A reply, its stdout alone, or a function that gives either; undefined leaves the command to others. */
export type FakeAnswer =
	| FakeReply
	| string
	| ((call: FakeCall) => FakeReply | string | undefined | Promise<FakeReply | string | undefined>);

export function matches(pattern: FakePattern, call: FakeCall): boolean {
	const [program = ''] = call.argv;
	if (typeof pattern === 'string') return program === pattern || program.endsWith(`/${pattern}`);
	if (pattern instanceof RegExp) return pattern.test(call.argv.join(' '));
	if (typeof pattern === 'function') return pattern(call);
	return pattern.every((word, index) => call.argv[index] === word);
}
