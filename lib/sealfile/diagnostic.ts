/** A place in a Sealfile. Lines and columns count from 1; columns count UTF-16 units; the end is exclusive. */
export interface SourceRange {
	readonly startLine: number;
	readonly startColumn: number;
	readonly endLine: number;
	readonly endColumn: number;
}

/** What the parser, the evaluator and the linter have to say. Data only: rendering with a caret lives in `bin/`. */
export interface Diagnostic {
	readonly severity: 'error' | 'warning';
	/** Stable name: `UnknownInstruction`, `StageNameCasing`; lint rules keep BuildKit's names where they have one. */
	readonly code: string;
	readonly message: string;
	readonly hint?: string | undefined;
	readonly file: string;
	readonly range: SourceRange;
	/** The text of the first line of the range, for the caret. */
	readonly lineText: string;
	/** Other places that belong to it: "first defined here". */
	readonly notes?: readonly {readonly message: string; readonly range: SourceRange}[];
}
