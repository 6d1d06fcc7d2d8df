import type {Answers} from './answers.js';
import type {Wanted} from './wanted.js';

/**
 * One topic of the facts: the part of the script that asks, beside the function that reads the answer. Scripts are POSIX shell and
 * use the words of `prelude` (script.ts); they end neither the shell nor a line. Readers never throw: what cannot be
 * read is absent.
 */
export interface Probe<T> {
	readonly script: (wanted: Wanted) => string;
	readonly read: (answers: Answers, wanted: Wanted) => T;
}
