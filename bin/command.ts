import type {Context} from './context.js';

/** What a shell completes for a value. */
export type Completes = 'cluster' | 'file' | 'folder' | 'host' | 'image' | 'place' | 'platform' | 'verb' | 'none';

interface FlagBase {
	/** One letter: `-t`. */
	readonly short?: string;
	/** One clause without a final period. */
	readonly help: string;
	/** The placeholder of the value in help: `NAME`. */
	readonly value?: string;
	readonly completes?: Completes;
	/** Accepted but left out of help and completion. */
	readonly hidden?: boolean;
}

/** One flag of a command, as data: the parser, help, completion and docs/cli.md are all made from it. */
export type Flag =
	/** `--x`, `--no-x`, `--x=true`, `--x=false`. */
	| (FlagBase & {readonly type: 'boolean'; readonly default?: boolean})
	/** The last one wins. With `implied`, `--x` alone means that value and another needs `--x=value`. */
	| (FlagBase & {
			readonly type: 'string';
			readonly default?: string;
			readonly choices?: readonly string[];
			readonly implied?: string;
	  })
	/** Repeatable; with `separator` one value may hold several. */
	| (FlagBase & {readonly type: 'list'; readonly separator?: ','; readonly choices?: readonly string[]})
	| (FlagBase & {readonly type: 'integer'; readonly default?: number; readonly minimum?: number});

export type Flags = Readonly<Record<string, Flag>>;

export type FlagValue<F extends Flag> = F extends {readonly type: 'boolean'}
	? boolean
	: F extends {readonly type: 'list'}
		? readonly string[]
		: F extends {readonly type: 'integer'}
			? number | (F extends {readonly default: number} ? never : undefined)
			:
					| (F extends {readonly choices: readonly (infer Choice)[]} ? Choice : string)
					| (F extends {readonly default: string} ? never : undefined);

export type FlagValues<F extends Flags> = {readonly [Name in keyof F]: FlagValue<F[Name]>};

export interface Operand {
	/** In capitals: `CONTEXT`. */
	readonly name: string;
	readonly help: string;
	readonly optional?: boolean;
	/** Takes all that remain; only the last operand may. */
	readonly variadic?: boolean;
	readonly completes?: Completes;
}

export interface Example {
	readonly about: string;
	readonly line: string;
}

/** What a command prints on stdout: `json` with `--output json`, else `text` (a final newline is added when missing). */
export interface Result {
	readonly json: unknown;
	readonly text: () => string;
	/** 0 when absent. For commands whose answer can be "no": lint, verify. */
	readonly exitCode?: number;
}

export interface Input<F extends Flags> {
	readonly flags: FlagValues<F>;
	readonly operands: readonly string[];
}

export interface Command<F extends Flags = Flags> {
	/** A paragraph or two for `--help`, after the summary. */
	readonly description?: string;
	readonly operands: readonly Operand[];
	readonly flags: F;
	readonly examples: readonly Example[];
	/** Flags end with this many operands: what follows is a command line of its own, dashes and all. */
	readonly flagsEndAfter?: number;
	/** What the exit code is when the command throws, other than for its own usage; 1 when absent. */
	readonly failureExitCode?: number;
	/** @throws UsageError for what the table cannot express. Resolves with undefined, or an exit code alone, when it wrote stdout itself. */
	run(input: Input<F>, context: Context): Promise<Result | {readonly exitCode: number} | undefined>;
}

/** Keeps the literal types of the flags, so that `run` sees exact values. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
	return command;
}

/** A command's place in the table of verbs. The command itself is loaded when it is needed: start-up stays short. */
export interface Verb {
	/** `build`, or two words: `manifest add`. */
	readonly name: string;
	readonly aliases?: readonly string[];
	/** One line, imperative, without a final period. */
	readonly summary: string;
	readonly group: string;
	readonly hidden?: boolean;
	load(): Promise<Command>;
}
