import type {Difference} from '../disk-tree.js';

/** A difference from buildah that is meant: what differs, where, and why. */
export interface Decision {
	readonly name: string;
	readonly reason: string;
	/** Titles of cases that must show it. Absent: it may show anywhere and must show somewhere. */
	readonly cases?: readonly string[];
	readonly matches: (difference: Difference) => boolean;
}

export const decisions: readonly Decision[] = [];
