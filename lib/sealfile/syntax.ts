import type {Diagnostic, SourceRange} from './diagnostic.js';

/**
 * The syntax tree of a Sealfile: what was written, before any variable is expanded. A "word" is a string with its quotes,
 * escapes and variables still in it (see words/words.ts for expansion).
 */
export interface SealfileTree {
	readonly file: string;
	/** The text that was parsed, without its byte order mark: ranges point into it. Empty when it could not be read as text. */
	readonly source: string;
	readonly directives: Directives;
	readonly instructions: readonly Instruction[];
	readonly diagnostics: readonly Diagnostic[];
}

export interface Directives {
	readonly syntax?: string;
	readonly escape: '\\' | '`';
	readonly check?: string;
}

interface Common<Kind extends string> {
	readonly kind: Kind;
	readonly range: SourceRange;
	/**
	 * The instruction on one line as it is put into history: name in upper case, continuations joined, comments gone,
	 * without heredoc bodies.
	 */
	readonly text: string;
	/** The comment block right above that starts with the name it describes (FROM, ARG). */
	readonly docComment?: string;
}

/** `[fd]<<[-]WORD` and its body. */
export interface Heredoc {
	readonly name: string;
	/** False when any part of the word was quoted. */
	readonly expand: boolean;
	/** True for `<<-`; the leading tabs are gone from `body` already. */
	readonly chomp: boolean;
	readonly fd: number;
	readonly body: string;
}

/** JSON form is an argument list; shell form is one string for the SHELL. */
export type Command =
	| {readonly form: 'json'; readonly argv: readonly string[]}
	| {readonly form: 'shell'; readonly text: string};

export interface KeyValue {
	/** A word for ENV and LABEL keys (variables allowed), a plain name for ARG. */
	readonly key: string;
	readonly value: string;
}

export interface FromInstruction extends Common<'FROM'> {
	readonly image: string;
	readonly platform?: string;
	/** Lower-cased. */
	readonly name?: string;
}

export interface ArgInstruction extends Common<'ARG'> {
	readonly args: readonly {readonly name: string; readonly value?: string}[];
}

export interface EnvInstruction extends Common<'ENV'> {
	readonly pairs: readonly KeyValue[];
	readonly legacy: boolean;
}

export interface LabelInstruction extends Common<'LABEL'> {
	readonly pairs: readonly KeyValue[];
	readonly legacy: boolean;
}

interface CopyLike {
	/** Words, heredocs not among them. */
	readonly sources: readonly string[];
	/** Heredocs in the place of sources: `name` is the file name. */
	readonly heredocs: readonly Heredoc[];
	readonly destination: string;
	readonly chown?: string;
	readonly chmod?: string;
	readonly link: boolean;
	readonly exclude: readonly string[];
}

export interface CopyInstruction extends Common<'COPY'>, CopyLike {
	/** Plain text: no variables (BuildKit's rule). */
	readonly from?: string;
	readonly parents: boolean;
}

export interface AddInstruction extends Common<'ADD'>, CopyLike {
	readonly checksum?: string;
	readonly unpack?: boolean;
	readonly keepGitDir?: boolean;
}

/** One `--mount=` of RUN. Text values are words until the instruction is expanded. */
export interface RunMount {
	readonly type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
	readonly target?: string;
	readonly source?: string;
	readonly from?: string;
	readonly id?: string;
	readonly env?: string;
	readonly readonly?: boolean;
	readonly required?: boolean;
	readonly sharing?: 'shared' | 'private' | 'locked';
	readonly sizeBytes?: number;
	readonly mode?: number;
	readonly uid?: number;
	readonly gid?: number;
}

export interface RunInstruction extends Common<'RUN'> {
	readonly command: Command;
	readonly heredocs: readonly Heredoc[];
	/** The values of `--mount` as written. Any of their parts but `type` and `from` may hold variables. */
	readonly mountWords: readonly string[];
	/** `mountWords` read; numbers that hold variables are absent until the instruction is expanded. */
	readonly mounts: readonly RunMount[];
	readonly network: 'default' | 'none' | 'host';
	readonly security: 'sandbox' | 'insecure';
}

export interface CmdInstruction extends Common<'CMD'> {
	readonly command: Command;
}

export interface EntrypointInstruction extends Common<'ENTRYPOINT'> {
	readonly command: Command;
}

export interface ShellInstruction extends Common<'SHELL'> {
	readonly argv: readonly string[];
}

export interface WorkdirInstruction extends Common<'WORKDIR'> {
	readonly path: string;
}

export interface UserInstruction extends Common<'USER'> {
	readonly user: string;
}

export interface StopsignalInstruction extends Common<'STOPSIGNAL'> {
	readonly signal: string;
}

export interface VolumeInstruction extends Common<'VOLUME'> {
	readonly paths: readonly string[];
}

export interface ExposeInstruction extends Common<'EXPOSE'> {
	readonly ports: readonly string[];
}

/** Durations in nanoseconds, 0 meaning "inherit", as in the image config. */
export interface HealthcheckInstruction extends Common<'HEALTHCHECK'> {
	/** `["NONE"]`, `["CMD", ...]` or `["CMD-SHELL", text]`. */
	readonly test: readonly string[];
	readonly intervalNs?: number;
	readonly timeoutNs?: number;
	readonly startPeriodNs?: number;
	readonly startIntervalNs?: number;
	readonly retries?: number;
}

export interface OnbuildInstruction extends Common<'ONBUILD'> {
	/** The trigger as it is stored in the image config, heredocs attached. */
	readonly trigger: string;
	readonly instruction: Instruction;
}

export interface MaintainerInstruction extends Common<'MAINTAINER'> {
	readonly name: string;
}

export type Instruction =
	| FromInstruction
	| ArgInstruction
	| EnvInstruction
	| LabelInstruction
	| CopyInstruction
	| AddInstruction
	| RunInstruction
	| CmdInstruction
	| EntrypointInstruction
	| ShellInstruction
	| WorkdirInstruction
	| UserInstruction
	| StopsignalInstruction
	| VolumeInstruction
	| ExposeInstruction
	| HealthcheckInstruction
	| OnbuildInstruction
	| MaintainerInstruction;
