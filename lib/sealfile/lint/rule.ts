import type {SourceRange} from '../diagnostic.js';
import type {StageGroups} from '../evaluate/stages.js';
import type {Instruction, SealfileTree} from '../syntax.js';

/** One check. Rules are plain data: the linter runs them, applies what the file says about them, and sorts the findings. */
export interface Rule {
	/** Stable, `PascalCase`; BuildKit's name where it has the same check. It is the `code` of the findings. */
	readonly name: string;
	/** One sentence for the list of rules. */
	readonly description: string;
	/** Runs only when asked for by name: `# check=experimental=Name`. */
	readonly experimental?: boolean;
	check(file: LintFile): Iterable<LintFinding>;
}

export interface LintFinding {
	/** For what a build would refuse. Default: a warning, unless the file or the caller wants errors. */
	readonly severity?: 'error' | undefined;
	readonly message: string;
	readonly hint?: string | undefined;
	readonly range: SourceRange;
	readonly notes?: ReadonlyArray<{readonly message: string; readonly range: SourceRange}> | undefined;
}

/** What a rule looks at. */
export interface LintFile {
	readonly tree: SealfileTree;
	readonly groups: StageGroups;
	/** The physical lines of the source; index 0 is line 1. */
	readonly lines: readonly string[];
	readonly options: LintOptions;
	/** The place of the first word of the instruction that `matches`, or of the whole instruction. */
	wordRange(instruction: Instruction, matches: (text: string) => boolean): SourceRange;
	/** The place of the first use of a variable, `$` and braces included, or of the whole instruction. */
	variableRange(instruction: Instruction, name: string): SourceRange;
	/** The word that names the instruction, as written. */
	keyword(instruction: Instruction): {readonly text: string; readonly range: SourceRange};
}

export interface LintOptions {
	/** More rules, run after those of the language. */
	readonly rules?: readonly Rule[] | undefined;
	/** Names of rules to leave out, beside those that the file leaves out. */
	readonly skip?: readonly string[] | undefined;
	/** Names of experimental rules to run, or `all`. */
	readonly experimental?: readonly string[] | undefined;
	/** Every finding is an error, as with `# check=error=true`. */
	readonly error?: boolean | undefined;
	/** True when the context's ignore file hides this path (relative, `/` between its parts). */
	readonly isIgnored?: ((path: string) => boolean) | undefined;
	/** The environment of a base image; undefined when it is not known, which silences guesses about its variables. */
	readonly baseEnv?: ((reference: string) => readonly string[] | undefined) | undefined;
	/**
	 * Every stage builds a cluster image, whose CMD is a list of command lines. Default: true for files named Sealfile or
	 * Kubefile and for stages with a cluster image's labels.
	 */
	readonly clusterImage?: boolean | undefined;
}
