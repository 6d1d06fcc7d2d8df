import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/** What putting a host back came to. */
export interface Undone {
	/** The titles of what was done. */
	readonly done: readonly string[];
	/** What is not as it was before, and why. The record keeps it. */
	readonly leftovers: readonly Leftover[];
}

export interface Leftover {
	readonly what: string;
	readonly why: string;
}

/** Steps that undo something: each is tried, and what fails is told. */
export interface Work {
	readonly done: string[];
	readonly leftovers: Leftover[];
	/** Does it and notes it, unless its title is empty; a failure is a leftover, and the rest goes on. */
	attempt(title: string, what: string, work: () => Promise<unknown>): Promise<boolean>;
}

export function createWork({signal}: Abortable): Work {
	const done: string[] = [];
	const leftovers: Leftover[] = [];
	return {
		done,
		leftovers,
		async attempt(title, what, work) {
			signal?.throwIfAborted();
			try {
				await work();
				if (title !== '') done.push(title);
				return true;
			} catch (error) {
				signal?.throwIfAborted();
				if (!isSealError(error)) throw error;
				leftovers.push({what, why: error.message});
				return false;
			}
		},
	};
}
